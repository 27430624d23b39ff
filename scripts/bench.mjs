// `npm run bench`: measures release programs on this machine and prints one table. No test depends on it.
//   npm run bench -- --documents DIR --questions FILE [--models-dir DIR] [--starts N] [--fill N,N]
// `hearth bench documents` measures importing and asking; this adds what only a window shows: the cold start, and sizes on disk.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, mkdtempSync, statSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { models, npmPackages, release, ui } from './lib/build.mjs';
import { CACHE, found, giveUp, program, run } from './lib/run.mjs';

const usage = 'Usage: npm run bench -- --documents DIR --questions FILE [--models-dir DIR] [--starts N] [--fill N,N]';
const words = process.argv.slice(2);
const given = { starts: '5', fill: '1000,100000' };
while (words.length > 0) {
  const name = words.shift().replace(/^--/, '');
  if (!['documents', 'questions', 'models-dir', 'starts', 'fill'].includes(name) || words.length === 0) giveUp(usage, 2);
  given[name] = words.shift();
}
if (!given.documents || !given.questions) giveUp(usage, 2);

await npmPackages();
await ui();
const folder = await release();
const modelsDir = given['models-dir'] ?? join(CACHE, 'models');
if ((await models(folder, { dataDir: join(CACHE, 'fetching'), modelsDir })) !== 0) giveUp('The default models are not there.');

const size = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const rows = [['machine', `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} threads, ${(totalmem() / 1e9).toFixed(1)} GB`]];
for (const name of ['hearth-desktop', 'hearth']) rows.push([`size of ${name}`, size(statSync(join(folder, program(name))).size)]);

/** Memory of a process and all below it, now, in bytes: shared pages are counted where they lie. */
function memory(root) {
  const kids = new Map();
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      const parent = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').pop().split(' ')[1];
      kids.set(parent, [...(kids.get(parent) ?? []), name]);
    } catch {
      // It ended meanwhile.
    }
  }
  const found = [];
  const visit = (pid) => {
    try {
      const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      found.push([name, Number(status.match(/VmHWM:\s+(\d+)/)?.[1] ?? 0) * 1024]);
    } catch {
      return;
    }
    for (const kid of kids.get(String(pid)) ?? []) visit(kid);
  };
  visit(root);
  return found;
}

/** Starts the window once; gives milliseconds from the start of the process until the page takes input, and memory. */
async function start(display) {
  const data = mkdtempSync(join(tmpdir(), 'hearth-start-'));
  const began = performance.now();
  const child = spawn(join(folder, program('hearth-desktop')), ['--data-dir', data, '--models-dir', modelsDir, '--report-ready'], {
    env: { ...process.env, ...display },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const took = await new Promise((resolve) => {
    child.stdout.once('data', () => resolve(performance.now() - began));
    child.once('exit', () => resolve(NaN));
  });
  const used = process.platform === 'linux' && !Number.isNaN(took) ? memory(child.pid) : [];
  child.kill();
  await new Promise((resolve) => (child.exitCode === null && child.signalCode === null ? child.once('exit', resolve) : resolve()));
  rmSync(data, { recursive: true, force: true });
  return { took, used };
}

if (process.platform !== 'linux' || process.env.DISPLAY || found('Xvfb')) {
  let screen;
  let display = {};
  if (process.platform === 'linux' && !process.env.DISPLAY) {
    screen = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1440x900x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    display = { DISPLAY: `:${String(await new Promise((resolve) => screen.stdio[3].once('data', resolve))).trim()}` };
  }
  const starts = [];
  for (let time = 0; time < Number(given.starts); time++) starts.push(await start(display));
  screen?.kill();
  const times = starts.map(({ took }) => took).sort((a, b) => a - b);
  rows.push([`start to interactive window, ${times.length} starts`, `first ${starts[0].took.toFixed(0)} ms, median ${times[Math.floor(times.length / 2)].toFixed(0)} ms`]);
  for (const [name, bytes] of starts.at(-1).used) rows.push([`memory after the start, ${name}`, size(bytes)]);
}
for (const [name, value] of rows) console.log(`${name.padEnd(40)} ${value}`);
const { code } = await run(join(folder, program('hearth')), ['--models-dir', modelsDir, 'bench', 'documents', '--documents', given.documents, '--questions', given.questions, ...given.fill.split(',').filter(Boolean).flatMap((count) => ['--fill', count])]);
process.exit(code);
