// Building: packages of the interface, the interface, the programs, the default models. Each is skipped while fresh.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, TARGET, giveUp, program, run } from './run.mjs';
import { Stamps, hashOf } from './stamp.mjs';

const stamps = () => new Stamps(join(ROOT, 'node_modules', '.hearth-stamps.json'));

/** What the interface is built from. */
export const UI_INPUTS = ['ui', 'package.json', 'package-lock.json'];

/** Installs the interface's packages when the lock changed. */
export async function npmPackages() {
  const hash = hashOf(['package-lock.json'], [process.versions.node]);
  if (stamps().get('packages', hash)) return;
  console.log("Installing the interface's packages");
  const { code } = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  if (code !== 0) giveUp('`npm ci` failed; what it said stands above.');
  stamps().set('packages', hash, true);
}

/** Builds the interface when its sources changed. */
export async function ui() {
  const hash = hashOf(UI_INPUTS);
  if (stamps().get('ui', hash) && existsSync(join(ROOT, 'ui', 'dist', 'index.html'))) return;
  console.log('Building the interface');
  const { code } = await run('npm', ['run', '--silent', 'build']);
  if (code !== 0) giveUp('The interface did not build; what it said stands above.');
  stamps().set('ui', hash, true);
}

/** Builds the two programs for use; cargo decides what is fresh. Gives their folder. */
export async function release() {
  console.log('Building Hearth (the first time takes a while)');
  const { code } = await run('cargo', ['build', '--release', '--locked', '-p', 'hearth-desktop', '-p', 'hearth-cli']);
  if (code !== 0) giveUp('Hearth did not build; what cargo said stands above.');
  return join(TARGET, 'release');
}

/** Fetches the default models (folders: the usual ones unless named); quick when they are there. */
export async function models(folder, { dataDir, modelsDir } = {}) {
  const where = [...(dataDir ? ['--data-dir', dataDir] : []), ...(modelsDir ? ['--models-dir', modelsDir] : [])];
  const { code } = await run(join(folder, program('hearth')), [...where, 'models', 'fetch-defaults']);
  return code;
}
