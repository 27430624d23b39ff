// `npm run bench:engine`: the engine beside llama.cpp on this machine, in one run. No test depends on it.
//   npm run bench:engine -- [--threads N] [--rounds N] [--prompt N]... [--generate N] [--only WORD] [--alone]
// Models of real shapes are made with random weights, as speed does not depend on these; the default chat model is
// measured too where it is installed. The peer is llama-cpp-python, compiled once for this machine; needs Python 3.9 with
// pip, and a C++ compiler. `--alone` leaves it out, `--only` measures the models whose names hold the word.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, ROOT, TARGET, ask, found, giveUp, program, run } from './lib/run.mjs';

const PEER = { name: 'llama-cpp-python', version: '0.3.36', sha256: '832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e' };
const MADE = [
  ['qwen3-0.6b', 'Q4_K_M'],
  ['qwen3-0.6b', 'Q4_0'],
  ['qwen3-0.6b', 'Q8_0'],
  ['llama3.2-1b', 'Q4_K_M'],
];
const usage = 'Usage: npm run bench:engine -- [--threads N] [--rounds N] [--prompt N]... [--generate N] [--only WORD] [--alone]';

const words = process.argv.slice(2);
const passed = [];
let [only, alone] = ['', false];
while (words.length > 0) {
  const word = words.shift();
  if (word === '--alone') alone = true;
  else if (word === '--only' && words.length > 0) only = words.shift();
  else if (['--threads', '--rounds', '--prompt', '--generate', '--follow-up'].includes(word) && words.length > 0) passed.push(word, words.shift());
  else giveUp(usage, 2);
}

/** Runs a program; ends the script where it fails. */
async function must(command, args, why, options) {
  const { code } = await run(command, args, options);
  if (code !== 0) giveUp(why);
}

/** Who compiles the peer. GCC before 13 breaks code for tiles (AMX), and the peer would end at its first prompt: another compiler is taken where one is found, else the peer goes without tiles. */
function compiler() {
  const tiles = existsSync('/proc/cpuinfo') && readFileSync('/proc/cpuinfo', 'utf8').includes(' amx_tile');
  const gcc = /Free Software/.test(ask('c++', ['--version']) ?? '') && Number.parseInt(ask('c++', ['-dumpversion']) ?? '', 10);
  if (!tiles || !gcc || gcc >= 13) return {};
  const version = ['', ...Array.from({ length: 9 }, (_, at) => `-${22 - at}`)].find((version) => found(`clang++${version}`));
  if (version !== undefined) return { CC: `clang${version}`, CXX: `clang++${version}` };
  console.log('GCC before 13 breaks tiles: the peer is compiled without. With clang it has them.');
  const without = '-mno-amx-tile -mno-amx-int8 -mno-amx-bf16';
  return { CFLAGS: without, CXXFLAGS: without };
}

/** Installs the peer in an environment of its own; gives its interpreter. */
async function peer() {
  const home = join(TARGET, 'bench-peer');
  const inside = (name) => join(home, process.platform === 'win32' ? 'Scripts' : 'bin', program(name));
  const wanted = `${PEER.name}==${PEER.version} --hash=sha256:${PEER.sha256}\n`;
  const mark = join(home, 'installed');
  const by = compiler();
  const made = `${wanted}${JSON.stringify(by)}\n`;
  if (existsSync(mark) && readFileSync(mark, 'utf8') === made) return inside('python');
  const python = ['python3', 'python'].find(found);
  if (!python) giveUp('The peer needs Python 3.9. Install it, or measure without the peer: --alone.');
  console.log('Compiling llama.cpp for this machine (once; this takes a while)');
  rmSync(home, { recursive: true, force: true });
  await must(python, ['-m', 'venv', home], 'Python makes no environment here; what it said stands above.');
  const list = join(home, 'requirements.txt');
  writeFileSync(list, wanted);
  const env = { ...by, CMAKE_ARGS: '-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF -DMTMD_BUILD=OFF' };
  const failed = 'The peer did not build; what pip said stands above. Measure without it: --alone.';
  // The hash is that of the source: what it needs to run is small and has no hash here.
  await must(inside('python'), ['-m', 'pip', 'install', '--quiet', '--no-cache-dir', '--no-deps', '--require-hashes', '--no-binary', PEER.name, '-r', list], failed, { env });
  await must(inside('python'), ['-m', 'pip', 'install', '--quiet', 'numpy', 'typing-extensions', 'diskcache', 'jinja2'], failed);
  writeFileSync(mark, made);
  return inside('python');
}

/** Makes the models that are not there yet; gives the files of all. */
async function models() {
  const folder = join(TARGET, 'bench-models');
  mkdirSync(folder, { recursive: true });
  const files = [];
  for (const [shape, mix] of MADE.filter((made) => made.join('-').includes(only))) {
    const file = join(folder, `${shape}-${mix}.gguf`);
    if (!existsSync(file)) {
      const example = ['run', '--release', '--quiet', '--locked', '-p', 'hearth-inference', '--example', 'random_model', '--'];
      await must('cargo', [...example, shape, mix, file], `${file} could not be made.`);
    }
    files.push(file);
  }
  const installed = join(CACHE, 'models');
  const holders = existsSync(installed) ? readdirSync(installed, { recursive: true }) : [];
  files.push(...holders.filter((name) => name.endsWith('.gguf') && name.includes(only)).map((name) => join(installed, name)));
  if (files.length === 0) giveUp(`No model's name holds "${only}".`);
  return files;
}

console.log('Building Hearth (the first time takes a while)');
await must('cargo', ['build', '--release', '--locked', '-p', 'hearth-cli'], 'Hearth did not build; what cargo said stands above.');
const files = await models();
const other = alone ? [] : ['--peer', await peer(), join(ROOT, 'scripts', 'bench-peer.py')];
const { code } = await run(join(TARGET, 'release', program('hearth')), ['bench', 'engine', ...files.flatMap((file) => ['--model', file]), ...passed, ...other]);
process.exit(code);
