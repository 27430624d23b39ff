// `npm start`: from a fresh clone to the open window.
// Checks and installs what the system lacks, builds what changed, fetches the default models, opens Hearth.
//   npm start -- [--yes] [--data-dir DIR]
import { join } from 'node:path';
import { npmPackages, release, models, ui } from './lib/build.mjs';
import { giveUp, program, run } from './lib/run.mjs';
import { BUILD, packages, recommend, tools } from './lib/system.mjs';

const words = process.argv.slice(2);
let yes = false;
let dataDir;
while (words.length > 0) {
  const word = words.shift();
  if (word === '--yes' || word === '-y') yes = true;
  else if (word === '--data-dir' && words.length > 0) dataDir = words.shift();
  else giveUp('Usage: npm start -- [--yes] [--data-dir DIR]', 2);
}

await packages(BUILD, { yes });
recommend();
tools();
await npmPackages();
await ui();
const folder = await release();
if ((await models(folder, { dataDir })) !== 0) {
  console.error('The default models could not be fetched. Hearth opens without them: its Models screen fetches them later, and');
  console.error('`hearth models add PATH` takes them from a file.');
}
const linux = process.platform === 'linux';
if (linux && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) {
  console.log('There is no display here: Hearth serves its interface on this machine. Open this link in a browser (Ctrl-C ends it):');
}
const { code } = await run(join(folder, program('hearth-desktop')), dataDir ? ['--data-dir', dataDir] : []);
process.exit(code);
