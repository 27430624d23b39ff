// `npm run bindings`: writes the TypeScript of every word spoken at the door from crates/api.
import { run } from './lib/run.mjs';

const { code } = await run('cargo', ['test', '-q', '-p', 'hearth-api', 'committed_bindings_are_fresh'], {
  env: { HEARTH_WRITE_BINDINGS: '1' },
});
process.exit(code);
