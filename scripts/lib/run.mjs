// Starting programs from the scripts: shown as they go, or quietly with their output at hand.
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { homedir } from 'node:os';

/** The checkout. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Where things are kept between runs that are no part of the checkout: fetched models, stamps. */
export const CACHE = process.env.HEARTH_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'hearth-dev');

/** Where cargo puts what it builds. */
export const TARGET = process.env.CARGO_TARGET_DIR || join(ROOT, 'target');

/** The name of a program on this system. */
export const program = (name) => (process.platform === 'win32' ? `${name}.exe` : name);

/** `npm` and `npx` are scripts on Windows, and start through the shell there. */
const shell = (command) => process.platform === 'win32' && (command === 'npm' || command === 'npx');

/** Runs a program with its output shown; gives its exit code and, with `keep`, what it said. */
export function run(command, args, { cwd = ROOT, env = {}, keep = false, quiet = false } = {}) {
  return new Promise((resolve) => {
    const stdio = keep || quiet ? ['inherit', 'pipe', 'pipe'] : 'inherit';
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio, shell: shell(command) });
    let output = '';
    for (const [stream, out] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
      stream?.on('data', (bytes) => {
        output += bytes;
        if (!quiet) out.write(bytes);
      });
    }
    child.on('error', (error) => resolve({ code: 127, output: `${command}: ${error.message}` }));
    child.on('close', (code, signal) => resolve({ code: code ?? 128, output: signal ? `${output}\nended by ${signal}` : output }));
  });
}

/** What a program says, or null where it is absent or fails. */
export function ask(command, args) {
  const asked = spawnSync(command, args, { encoding: 'utf8', cwd: ROOT, shell: shell(command) });
  return asked.status === 0 ? asked.stdout.trim() : null;
}

/** Whether a program can be found. */
export function found(command) {
  const asked = spawnSync(process.platform === 'win32' ? 'where' : 'which', [command], { stdio: 'ignore' });
  return asked.status === 0;
}

/** Ends the script with a plain line. */
export function giveUp(text, code = 1) {
  console.error(`\n${text}`);
  process.exit(code);
}
