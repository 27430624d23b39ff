// `npm run package`: a Debian package with both programs and both default models, so that an installed Hearth answers at
// its first start without any network. Writes dist/hearth_VERSION_ARCH.deb.
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { models, npmPackages, release, ui } from './lib/build.mjs';
import { CACHE, ROOT, ask, found, giveUp, run } from './lib/run.mjs';
import { BUILD, packages, tools } from './lib/system.mjs';

if (!found('dpkg-deb')) giveUp('Packages are made on Debian or Ubuntu: dpkg-deb is missing.');
await packages(BUILD, { yes: process.argv.includes('--yes') });
tools();
await npmPackages();
await ui();
const built = await release();
const modelsDir = join(CACHE, 'models');
if ((await models(built, { dataDir: join(CACHE, 'fetching'), modelsDir })) !== 0) giveUp('The default models are not there, and a package carries them.');

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const arch = ask('dpkg', ['--print-architecture']);
const tree = mkdtempSync(join(tmpdir(), 'hearth-package-'));
const lay = (from, ...to) => {
  mkdirSync(join(tree, ...to.slice(0, -1)), { recursive: true });
  copyFileSync(from, join(tree, ...to));
};
for (const name of ['hearth', 'hearth-desktop']) {
  lay(join(built, name), 'usr', 'bin', name);
  chmodSync(join(tree, 'usr', 'bin', name), 0o755);
}
// Which model this machine uses for what is its own affair.
cpSync(modelsDir, join(tree, 'usr', 'lib', 'Hearth', 'models'), { recursive: true, filter: (path) => !path.endsWith('choices.json') });
for (const [file, size] of [['32x32.png', '32x32'], ['128x128.png', '128x128'], ['128x128@2x.png', '256x256']]) {
  lay(join(ROOT, 'src-tauri', 'icons', file), 'usr', 'share', 'icons', 'hicolor', size, 'apps', 'hearth.png');
}
mkdirSync(join(tree, 'usr', 'share', 'applications'), { recursive: true });
writeFileSync(
  join(tree, 'usr', 'share', 'applications', 'hearth.desktop'),
  '[Desktop Entry]\nType=Application\nName=Hearth\nComment=Answers from your documents, on your own machine\nExec=hearth-desktop\nIcon=hearth\nCategories=Office;\nStartupWMClass=hearth-desktop\n',
);
mkdirSync(join(tree, 'DEBIAN'));
writeFileSync(
  join(tree, 'DEBIAN', 'control'),
  `Package: hearth\nVersion: ${version}\nArchitecture: ${arch}\nMaintainer: Hearth\nDepends: libwebkit2gtk-4.1-0, libgtk-3-0 | libgtk-3-0t64\nSection: text\nPriority: optional\nDescription: Private AI on your own machine\n Answers from your documents with citations that open the exact page. Nothing leaves the machine.\n`,
);
mkdirSync(join(ROOT, 'dist'), { recursive: true });
const { code } = await run('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', tree, join(ROOT, 'dist', `hearth_${version}_${arch}.deb`)]);
rmSync(tree, { recursive: true, force: true });
process.exit(code);
