// `npm test`: sets up all that the tests need, then runs every one of them. Ends with a plain line of counts.
//   npm test -- [--yes] [--fresh] [--only NAME[,NAME]]
// A step whose inputs are what they were when it last passed is not run again; --fresh runs it all the same.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UI_INPUTS, models, npmPackages, ui } from './lib/build.mjs';
import { CACHE, ROOT, TARGET, ask, found, giveUp, run } from './lib/run.mjs';
import { Stamps, hashOf } from './lib/stamp.mjs';
import { BUILD, TEST, browser, packages, tools } from './lib/system.mjs';

const words = process.argv.slice(2);
let [yes, fresh, only] = [false, false, null];
while (words.length > 0) {
  const word = words.shift();
  if (word === '--yes' || word === '-y') yes = true;
  else if (word === '--fresh') fresh = true;
  else if (word === '--only' && words.length > 0) only = words.shift().split(',');
  else giveUp('Usage: npm test -- [--yes] [--fresh] [--only NAME[,NAME]]', 2);
}

const RUST = ['Cargo.toml', 'Cargo.lock', 'rustfmt.toml', 'clippy.toml', 'crates', 'src-tauri', 'tests', 'models', 'ui/src/core/bindings.ts'];
const DEBUG = join(TARGET, 'debug');
const began = Date.now();
const stamps = new Stamps(join(TARGET, 'hearth-verified.json'));
const toolchain = [process.versions.node, ask('rustc', ['--version']) ?? ''];
const results = [];

/** Runs one step unless it stands verified; `work` gives `{ passed, failed }`. */
async function step(name, inputs, work) {
  if (only && !only.includes(name)) return;
  const hash = hashOf([...inputs, 'scripts'], toolchain);
  const before = fresh ? undefined : stamps.get(name, hash);
  const start = Date.now();
  if (before) {
    results.push({ name, ...before, seconds: 0, again: true });
    console.log(`\n== ${name}: verified before with the same inputs (${before.passed} passed)`);
    return;
  }
  console.log(`\n== ${name}`);
  const { passed, failed } = await work();
  const seconds = (Date.now() - start) / 1000;
  results.push({ name, passed, failed, seconds });
  console.log(`== ${name}: ${passed} passed, ${failed} failed, ${seconds.toFixed(1)} s`);
  if (failed === 0 && passed > 0) stamps.set(name, hash, { passed, failed });
}

/** A program whose exit code is the whole result. */
const check = async (command, args, options) => {
  const { code } = await run(command, args, options);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
};

const count = (text, pattern) => [...text.matchAll(pattern)].reduce((sum, match) => sum + Number(match[1]), 0);

/** Counts of a run, where a failing exit without a counted failure is a failure still. */
const counted = (code, passed, failed) => ({ passed, failed: code !== 0 && failed === 0 ? 1 : failed });

async function rustTests() {
  const nextest = ask('cargo', ['nextest', '--version']) !== null;
  const args = nextest ? ['nextest', 'run', '--no-fail-fast'] : ['test', '--no-fail-fast'];
  const { code, output } = await run('cargo', [...args, '--workspace', '--locked'], { keep: true, env: { HEARTH_TEST_MODELS: MODELS } });
  const plain = output.replace(/\x1b\[[0-9;]*m/g, '');
  if (nextest) {
    const line = plain.match(/Summary .*/g)?.pop() ?? '';
    return counted(code, count(line, /(\d+) passed/g), count(line, /(\d+) (?:failed|timed out)/g));
  }
  return counted(code, count(plain, /test result: .*? (\d+) passed/g), count(plain, /test result: .*? (\d+) failed/g));
}

async function vitest() {
  const report = join(mkdtempSync(join(tmpdir(), 'hearth-vitest-')), 'report.json');
  const { code } = await run('npm', ['run', '--silent', 'test:unit', '--', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]);
  const { numPassedTests = 0, numFailedTests = 0 } = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {};
  rmSync(join(report, '..'), { recursive: true, force: true });
  return counted(code, numPassedTests, numFailedTests);
}

async function nodeTests(file, env) {
  const report = join(mkdtempSync(join(tmpdir(), 'hearth-node-')), 'report.tap');
  const { code } = await run(
    process.execPath,
    ['--test', '--test-concurrency=1', '--test-reporter=spec', '--test-reporter-destination=stdout', '--test-reporter=tap', `--test-reporter-destination=${report}`, file],
    { env: { ...env, HEARTH_TEST_MODELS: MODELS, HEARTH_BIN: DEBUG } },
  );
  const tap = existsSync(report) ? readFileSync(report, 'utf8') : '';
  rmSync(join(report, '..'), { recursive: true, force: true });
  return counted(code, count(tap, /^# pass (\d+)/gm), count(tap, /^# fail (\d+)/gm));
}

const MODELS = join(CACHE, 'models');

if (process.platform === 'linux') await packages([...BUILD, ...TEST], { yes });
else await packages(BUILD, { yes });
tools();
const chromium = await browser({ yes });
await npmPackages();
await ui();

await step('format', RUST, () => check('cargo', ['fmt', '--all', '--check']));
await step('svelte-check', UI_INPUTS, () => check('npm', ['run', '--silent', 'check']));
await step('interface', UI_INPUTS, vitest);
await step('clippy', RUST, () => check('cargo', ['clippy', '--workspace', '--all-targets', '--locked', '--', '-D', 'warnings']));

// One build serves every test that follows: the programs come with the tests of their own crates.
const programs = only && !only.some((name) => ['rust', 'browser', 'window', 'models'].includes(name));
if (!programs) {
  const built = await run('cargo', ['test', '--workspace', '--locked', '--no-run', '--quiet']);
  if (built.code !== 0) giveUp('The tests did not build; what cargo said stands above.\n0 passed, 1 failed');
  mkdirSync(MODELS, { recursive: true });
  if ((await models(DEBUG, { dataDir: join(CACHE, 'fetching'), modelsDir: MODELS })) !== 0) giveUp('The default models could not be fetched; the tests want them.\n0 passed, 1 failed');
}

await step('rust', [...RUST, 'ui', 'scripts', 'package.json'], rustTests);
await step('browser', [...RUST, ...UI_INPUTS], () => nodeTests('tests/e2e/browser.test.mjs', { HEARTH_BROWSER: chromium }));
if (process.platform === 'linux') {
  if (!found('Xvfb')) giveUp('Xvfb is missing: the window cannot be tested.\n0 passed, 1 failed');
  await step('window', [...RUST, ...UI_INPUTS], () => nodeTests('tests/e2e/window.test.mjs', {}));
  await step('models', [...RUST, ...UI_INPUTS], () => nodeTests('tests/e2e/models.test.mjs', {}));
}

const sum = (key) => results.reduce((total, result) => total + result[key], 0);
console.log('');
for (const { name, passed, failed, seconds, again } of results) {
  console.log(`${name.padEnd(14)} ${String(passed).padStart(5)} passed ${String(failed).padStart(4)} failed   ${again ? 'as before' : `${seconds.toFixed(1)} s`}`);
}
console.log(`\nin ${((Date.now() - began) / 60000).toFixed(1)} minutes, at ${ROOT}`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exit(sum('failed') === 0 && sum('passed') > 0 ? 0 : 1);
