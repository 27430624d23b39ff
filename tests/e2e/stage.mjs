// What end-to-end tests stand on: a virtual screen, programs that are ended in order, real drags, pictures of the screen,
// and documents made for the purpose.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));

/** The system's own Python: it is the one that has the desktop's modules. */
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/** The built programs. */
export const BIN = process.env.HEARTH_BIN ?? join(HERE, '..', '..', 'target', 'debug');

/** The default models. */
export const MODELS = process.env.HEARTH_TEST_MODELS;

/** Where pictures of the screens go. */
export const PICTURES = process.env.HEARTH_PICTURES ?? join(tmpdir(), 'hearth-pictures');

/** The passphrase of the tests' vaults. */
export const PASSPHRASE = 'correct horse battery staple';

/** A folder that is gone after the tests. */
export function temporary() {
  const path = mkdtempSync(join(tmpdir(), 'hearth-e2e-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Keeps a picture (PNG in base64) for people to look at. */
export function keepPicture(name, base64) {
  mkdirSync(PICTURES, { recursive: true });
  writeFileSync(join(PICTURES, `${name}.png`), Buffer.from(base64, 'base64'));
}

/** A port that is free now. */
export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** A virtual screen, larger than the window so that a drag can begin beside it. */
export class Screen {
  static async start() {
    const child = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1560x1000x24', '-nolisten', 'tcp', '-dpi', '96'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    const number = await new Promise((resolve, reject) => {
      child.stdio[3].once('data', (bytes) => resolve(String(bytes).trim()));
      child.once('exit', () => reject(new Error('Xvfb ended')));
    });
    // A session bus of its own: by it a second start finds the first, and no keyring of a person's is met.
    const bus = spawn('dbus-daemon', ['--session', '--nofork', '--print-address'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const address = await new Promise((resolve, reject) => {
      bus.stdout.once('data', (bytes) => resolve(String(bytes).trim()));
      bus.once('exit', () => reject(new Error('dbus-daemon ended')));
    });
    return new Screen([child, bus], `:${number}`, address);
  }

  constructor(children, display, bus) {
    this.children = children;
    this.env = { DISPLAY: display, WAYLAND_DISPLAY: '', GDK_BACKEND: 'x11', NO_AT_BRIDGE: '1', GTK_THEME: 'Adwaita', DBUS_SESSION_BUS_ADDRESS: bus };
  }

  xdotool(...words) {
    const done = spawnSync('xdotool', words, { env: { ...process.env, ...this.env }, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`xdotool ${words.join(' ')}: ${done.stderr}`);
    return done.stdout.trim();
  }

  /** Where the window with this title lies. */
  window(title) {
    const id = this.xdotool('search', '--onlyvisible', '--name', `^${title}$`).split('\n').pop();
    const shape = Object.fromEntries(this.xdotool('getwindowgeometry', '--shell', id).split('\n').map((line) => line.split('=')));
    return { id, x: Number(shape.X), y: Number(shape.Y), width: Number(shape.WIDTH), height: Number(shape.HEIGHT) };
  }

  /** Every window that is shown. */
  windows() {
    return this.xdotool('search', '--onlyvisible', '--name', '.+').split('\n');
  }

  /** Types a path into the system's file dialog and confirms it. */
  async choose(dialog, path) {
    this.xdotool('windowfocus', '--sync', dialog);
    await pause(500);
    // The first letter opens the field for paths, and what follows too soon is lost.
    this.xdotool('type', path.slice(0, 1));
    await pause(1000);
    this.xdotool('type', '--delay', '25', path.slice(1));
    // The first Return may only take what the dialog proposes.
    for (let time = 0; time < 5 && this.windows().includes(dialog); time++) {
      await pause(500);
      this.xdotool('key', 'Return');
      await pause(500);
    }
  }

  /** Drags files from beside the window to a place in it (in fractions of its size) by the real protocol. */
  async drag(paths, to, { hover } = {}) {
    const source = spawn(PYTHON, [join(HERE, 'drag_source.py'), ...paths], { env: { ...process.env, ...this.env }, stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve, reject) => {
      source.stdout.once('data', resolve);
      source.once('exit', (code) => reject(new Error(`the drag source ended with ${code}`)));
    });
    await pause(400);
    const window = this.window('Hearth');
    const target = { x: Math.round(window.x + window.width * to.x), y: Math.round(window.y + window.height * to.y) };
    this.xdotool('mousemove', '--sync', '24', '24');
    this.xdotool('mousedown', '1');
    const steps = 24;
    for (let step = 1; step <= steps; step++) {
      const along = (from, end) => String(Math.round(from + ((end - from) * step) / steps));
      this.xdotool('mousemove', along(24, target.x), along(24, target.y));
      await pause(40);
    }
    await pause(400);
    await hover?.();
    this.xdotool('mouseup', '1');
    await new Promise((resolve) => {
      source.once('exit', resolve);
      setTimeout(() => source.kill(), 5000).unref();
    });
  }

  stop() {
    for (const child of this.children) child.kill();
  }
}

/** A PDF of one page for each text, made by hand; enough for a reader, small enough to read. */
export function pdf(pages) {
  const objects = [];
  const kids = pages.map((_, index) => `${4 + index * 2} 0 R`).join(' ');
  objects.push('<< /Type /Catalog /Pages 2 0 R >>');
  objects.push(`<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`);
  objects.push('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>');
  for (const [index, page] of pages.entries()) {
    const lines = page.split('\n').map((line) => `(${line.replace(/([\\()])/g, '\\$1')}) Tj T*`);
    const stream = `BT /F1 12 Tf 16 TL 72 720 Td ${lines.join(' ')} ET`;
    objects.push(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents ${5 + index * 2} 0 R >>`);
    objects.push(`<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`);
  }
  let text = '%PDF-1.4\n';
  const places = objects.map((object, index) => {
    const at = text.length;
    text += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return at;
  });
  const xref = text.length;
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
  for (const place of places) text += `${String(place).padStart(10, '0')} 00000 n \n`;
  return `${text}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${xref}\n%%EOF\n`;
}

/** A folder of documents with names that are not plain. */
export function documents(folder) {
  const path = join(folder, 'Papers of the mill');
  mkdirSync(join(path, 'Anlagen'), { recursive: true });
  writeFileSync(join(path, 'Pachtvertrag Mühle.pdf'), pdf([
    'Lease of the mill\n\nThe yearly rent is 4,200 crowns.\nIt is due on the first of March.',
    'Repairs\n\nThe tenant keeps the weir in repair.\nThe owner pays for a new mill wheel.',
  ]));
  writeFileSync(join(path, 'notes & queries.md'), '# Notes\n\nThe miller was Anna Brandt.\n\nShe kept three horses and a blue cart.\n');
  writeFileSync(join(path, 'Anlagen', 'costs.csv'), 'item,crowns\nmill wheel,860\nweir,140\n');
  writeFileSync(join(path, 'empty.txt'), '');
  return path;
}
