// What the system must offer: on Debian and Ubuntu it is installed, elsewhere it is named with the command for it.
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { ask, found, giveUp, run } from './run.mjs';

/** Debian packages that building and running Hearth takes. */
export const BUILD = ['build-essential', 'pkg-config', 'perl', 'libwebkit2gtk-4.1-dev', 'python3', 'python3-pip', 'ca-certificates'];

/** Debian packages that make more of Hearth and without which it runs: `npm start` names them, with what they are for. */
export const BETTER = [['tesseract-ocr', 'scans and pictures are read']];

/** Debian packages that the tests take besides. */
export const TEST = [
  'tesseract-ocr',
  'xvfb',
  'xdotool',
  'webkit2gtk-driver',
  'python3-gi',
  'gir1.2-gtk-3.0',
  'dbus-daemon',
  'dbus-session-bus-common',
  'strace',
  'util-linux',
];

/** Any of these runs the browser tests. */
export const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Reads what this system is: the family and its own name for itself. */
export function system() {
  if (process.platform === 'darwin') return { family: 'macos', name: 'macOS' };
  if (process.platform === 'win32') return { family: 'windows', name: 'Windows' };
  let release = '';
  try {
    release = readFileSync('/etc/os-release', 'utf8');
  } catch {
    return { family: 'other', name: process.platform };
  }
  const field = (key) => release.match(new RegExp(`^${key}="?([^"\n]*)"?$`, 'm'))?.[1] ?? '';
  const ids = `${field('ID')} ${field('ID_LIKE')}`.split(/\s+/);
  const name = field('PRETTY_NAME') || field('ID');
  if (ids.includes('debian') || ids.includes('ubuntu')) return { family: 'debian', name, id: field('ID') };
  if (ids.includes('fedora') || ids.includes('rhel')) return { family: 'fedora', name };
  if (ids.includes('arch')) return { family: 'arch', name };
  return { family: 'other', name };
}

/** Elsewhere than on Debian: what is looked for, how, and the command that installs it. */
const ELSEWHERE = {
  fedora: [
    ['a C compiler', () => found('cc'), 'sudo dnf install gcc gcc-c++ make perl pkgconf-pkg-config'],
    ['WebKitGTK 4.1 (development files)', () => pkg('webkit2gtk-4.1'), 'sudo dnf install webkit2gtk4.1-devel'],
    ['pip for Python 3', () => pip(), 'sudo dnf install python3-pip'],
  ],
  arch: [
    ['a C compiler', () => found('cc'), 'sudo pacman -S --needed base-devel perl'],
    ['WebKitGTK 4.1', () => pkg('webkit2gtk-4.1'), 'sudo pacman -S --needed webkit2gtk-4.1'],
    ['pip for Python 3', () => pip(), 'sudo pacman -S --needed python-pip'],
  ],
  macos: [
    ['the command line developer tools', () => ask('xcode-select', ['-p']) !== null, 'xcode-select --install'],
    ['pip for Python 3', () => pip(), 'python3 -m ensurepip --user'],
  ],
  windows: [
    ['the Visual C++ build tools', () => cppTools(), 'winget install Microsoft.VisualStudio.2022.BuildTools --override "--add Microsoft.VisualStudio.Workload.VCTools --includeRecommended --passive"'],
    ['Perl (the encrypted store is built with it)', () => found('perl'), 'winget install StrawberryPerl.StrawberryPerl'],
    ['the WebView2 runtime', () => webView2(), 'winget install Microsoft.EdgeWebView2Runtime'],
    ['Python 3 with pip', () => ask('python', ['-m', 'pip', '--version']) !== null, 'winget install Python.Python.3.12'],
  ],
};

const pkg = (name) => ask('pkg-config', ['--exists', name]) !== null;
const pip = () => ask('python3', ['-m', 'pip', '--version']) !== null;
const cppTools = () => existsSync('C:\\Program Files (x86)\\Microsoft Visual Studio\\Installer\\vswhere.exe');
const webView2 = () => existsSync('C:\\Program Files (x86)\\Microsoft\\EdgeWebView\\Application');

/** Debian packages of a list that are not installed. */
export function missing(packages) {
  const listed = ask('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n']) ?? '';
  const installed = new Set();
  for (const line of listed.split('\n')) {
    const [name, status] = line.split(' ');
    if (status === 'installed') installed.add(name);
  }
  return packages.filter((name) => !installed.has(name));
}

/** Makes sure of system packages: installs on Debian and Ubuntu, names what is missing elsewhere and ends. */
export async function packages(wanted, { yes = false } = {}) {
  const here = system();
  if (here.family === 'debian') return debian(wanted, yes);
  const lacks = (ELSEWHERE[here.family] ?? []).filter(([, there]) => !there());
  if (here.family === 'other') {
    console.log(`This system (${here.name}) is not one that Hearth knows. It wants a C compiler, perl, pip for Python 3 and WebKitGTK 4.1.`);
  }
  if (lacks.length > 0) {
    giveUp([`Missing on ${here.name}:`, ...lacks.map(([what, , command]) => `  ${what}\n    ${command}`), 'Install it, then run this again.'].join('\n'));
  }
}

async function debian(wanted, yes) {
  const lacks = missing(wanted);
  if (lacks.length === 0) return;
  console.log(`System packages to install:\n  ${lacks.join(' ')}`);
  const root = process.getuid?.() === 0;
  if (!root && !found('sudo')) {
    giveUp(`As root, run:\n  apt-get update && apt-get install --no-install-recommends ${lacks.join(' ')}`);
  }
  if (!yes && process.stdin.isTTY && process.stdout.isTTY) {
    const prompt = createInterface({ input: process.stdin, output: process.stdout });
    const answer = await prompt.question('Install them now? [Y/n] ');
    prompt.close();
    if (!/^(y|yes|)$/i.test(answer.trim())) giveUp('Nothing was installed.');
  }
  const elevate = root ? [] : ['sudo'];
  const apt = async (...args) => {
    const line = [...elevate, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args];
    return (await run(line[0], line.slice(1))).code === 0;
  };
  const install = () => apt('install', '-y', '--no-install-recommends', ...lacks);
  await apt('update');
  if (!(await install())) {
    giveUp(`The packages could not be installed. The command was:\n  ${[...elevate, 'apt-get', 'install', ...lacks].join(' ')}`);
  }
}

/** Says what could be installed besides; nothing waits for it. */
export function recommend() {
  if (system().family !== 'debian') {
    if (!found('tesseract')) console.log('Without tesseract, scans and pictures are not read; `hearth doctor` says how to install it.');
    return;
  }
  for (const [name, what] of BETTER) {
    if (missing([name]).length > 0) console.log(`With ${name}, ${what}: sudo apt install ${name}`);
  }
}

/** Makes sure of a browser for tests; gives its program. */
export async function browser({ yes = false } = {}) {
  const there = BROWSERS.find(found);
  if (there) return there;
  const here = system();
  if (here.family === 'debian' && here.id === 'debian') {
    await packages(['chromium'], { yes });
    return 'chromium';
  }
  const command = here.id === 'ubuntu' ? 'sudo snap install chromium' : 'the system\'s own way to install Chromium';
  return giveUp(`A Chromium is missing, for the interface's tests:\n  ${command}`);
}

const atLeast = (version, least) => {
  const [have, want] = [version, least].map((text) => text.split('.').map(Number));
  for (let part = 0; part < want.length; part++) {
    if ((have[part] ?? 0) !== want[part]) return (have[part] ?? 0) > want[part];
  }
  return true;
};

/** Makes sure of Node and Rust; they are never installed behind a person's back. */
export function tools() {
  if (!atLeast(process.versions.node, '20.19')) {
    giveUp(`Node ${process.versions.node} is too old: Hearth's interface is built with Node 20.19 or newer.`);
  }
  const least = readFileSync(new URL('../../Cargo.toml', import.meta.url), 'utf8').match(/^rust-version = "([\d.]+)"/m)[1];
  const said = ask('rustc', ['--version'])?.match(/^rustc (\d+\.\d+\.\d+)/)?.[1];
  const how = process.platform === 'win32' ? 'winget install Rustlang.Rustup' : 'install rustup as rust-lang.org/tools/install says, then: rustup default stable';
  if (!said || !found('cargo')) giveUp(`Rust ${least} or newer is missing:\n  ${how}`);
  if (!atLeast(said, least)) giveUp(`Rust ${said} is too old, Hearth wants ${least} or newer:\n  rustup update stable\n(without rustup: ${how})`);
}
