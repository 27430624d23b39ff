// End to end on the Models screen in a real window: a model is fetched from a mirror on this machine that breaks three times,
// one is measured, its context chosen, one that another program keeps is used where it lies, and when its file goes the next
// best model answers and says so.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { button, buttonLike, composer, password } from './page.mjs';
import { BIN, MODELS, PASSPHRASE, Screen, freePort, keepPicture, temporary } from './stage.mjs';
import { Driver, KEYS, until } from './webdriver.mjs';

const PROGRAM = join(BIN, 'hearth-desktop');
const CHAT = 'smollm2-135m-instruct-q4_1';
const folder = temporary();
const data = join(folder.path, 'data');
const models = join(folder.path, 'models');
const home = join(folder.path, 'home');
const kept = join(home, '.lmstudio', 'models', 'miller');
const MB = 1e6;
/** Where the mirror breaks off, in bytes of the file; at the second place it stays away until it is called back. */
const BREAKS = [20 * MB, 45 * MB, 70 * MB];
const mirror = { bytes: null, breaks: [...BREAKS], away: false, asked: [], sent: 0 };
let screen;
let driver;
let page;

before(async () => {
  assert.ok(existsSync(PROGRAM), `${PROGRAM} is not built`);
  assert.ok(MODELS && existsSync(MODELS), 'HEARTH_TEST_MODELS names the folder of the default models');
  // The notes of other runs stay where they are: only models are taken along.
  for (const name of readdirSync(MODELS)) {
    if (existsSync(join(MODELS, name, 'hearth-model.json'))) cpSync(join(MODELS, name), join(models, name), { recursive: true });
  }
  const weights = join(models, CHAT, readdirSync(join(models, CHAT)).find((name) => name.endsWith('.gguf')));
  for (const name of ['Mill-135M-GGUF', 'Half-135M-GGUF']) {
    mkdirSync(join(kept, name), { recursive: true });
    const copy = join(kept, name, `${name.replace('-GGUF', '')}.Q4_1.gguf`);
    copyFileSync(weights, copy);
    // Other bytes than those of the catalogue: it is a model of its own.
    appendFileSync(copy, Buffer.alloc(32));
  }
  truncateSync(join(kept, 'Half-135M-GGUF', 'Half-135M.Q4_1.gguf'), 4096);
  // What is fetched is one more model, of bytes that are nowhere else.
  mirror.bytes = Buffer.concat([readFileSync(weights), Buffer.alloc(64)]);
  const port = await serve();
  const manifest = join(folder.path, 'mirror.toml');
  writeFileSync(manifest, `[[model]]
id = 'mirrored-135m'
name = 'Mirrored 135M'
roles = ['chat']
architecture = 'llama'
quantization = 'Q4_1'
parameters = 134515008
licence = 'Apache-2.0'
permissive = true
n_ctx = 8192
files = [{ name = 'mirrored.gguf', size = ${mirror.bytes.length}, sha256 = '${createHash('sha256').update(mirror.bytes).digest('hex')}' }]
sources = [{ kind = 'hf', repo = 'miller/mirrored', revision = '0123456789abcdef0123456789abcdef01234567' }]
`);
  screen = await Screen.start();
  driver = await Driver.start(await freePort(), { ...screen.env, HOME: home });
  page = await driver.open(PROGRAM, ['--data-dir', data, '--models-dir', models, '--test-automation', '--test-mirror', String(port), manifest]);
  await page.see(button('Start asking'));
  if ((await page.find(password)).length === 0) await page.click('//input[@type="radio" and @value="passphrase"]/ancestor::label');
  await page.see(password);
  for (const field of await page.find(password)) await page.send('POST', `/element/${field}/value`, { text: PASSPHRASE });
  await page.click(buttonLike('Lock it with'));
  await until('the vault is open', async () => (await reply('GetVault')).kind === 'open');
  await page.click(button('Start asking'));
  await page.see(composer);
  await page.chord(KEYS.control, '4');
  await page.see('//main[@aria-label="Models"]');
});

after(async () => {
  await page?.close().catch(() => undefined);
  driver?.stop();
  screen?.stop();
  mirror.server?.close();
  mirror.server?.closeAllConnections();
  await until('the program has ended', () => spawnSync('pgrep', ['-f', `hearth-desktop --data-dir ${data}`]).status !== 0);
  folder.remove();
});

/** Serves the mirror's one file from where it is wanted, at some 40 MB a second, and breaks off where it is told to. */
function serve() {
  const server = createServer(async (request, response) => {
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    mirror.asked.push({ path: request.url, from });
    if (mirror.away) return void request.socket.destroy();
    const rest = mirror.bytes.length - from;
    const part = from > 0 ? { 'content-range': `bytes ${from}-${mirror.bytes.length - 1}/${mirror.bytes.length}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': rest, ...part });
    for (let at = from; at < mirror.bytes.length; at += MB) {
      if (mirror.breaks.length > 0 && at >= mirror.breaks[0]) {
        mirror.breaks.shift();
        mirror.away = mirror.breaks.length === 1;
        return void request.socket.destroy();
      }
      const chunk = mirror.bytes.subarray(at, at + MB);
      if (request.socket.destroyed) return;
      response.write(chunk);
      mirror.sent += chunk.length;
      await pause(25);
    }
    response.end();
  });
  mirror.server = server;
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
}

const reply = async (name, words) => {
  const answered = await page.door(name, words);
  assert.ok(!answered.error, `${name}: ${JSON.stringify(answered.error)}`);
  return answered.reply;
};

const model = async (id) => (await reply('ListModels')).installed.find((one) => one.id === id);

/** Takes the page in light and in dark. */
async function pictures(name) {
  for (const theme of ['light', 'dark']) {
    await page.run('(theme) => { document.documentElement.dataset.theme = theme; }', theme);
    await new Promise((resolve) => setTimeout(resolve, 500));
    keepPicture(`${name}-${theme}`, await page.send('GET', '/screenshot'));
  }
  await page.run('() => { delete document.documentElement.dataset.theme; }');
}

test('a download goes on where its mirror broke off, three times', async () => {
  const stands = async () => [...(await reply('ListModels')).installed, ...(await reply('ListModels')).catalogue].find((one) => one.id === 'mirrored-135m').state;
  await page.click('//button[starts-with(@aria-label, "Get Mirrored 135M")]');
  await until('it is under way', async () => (await stands()).done_bytes > 8 * MB);
  keepPicture('models-downloading', await page.send('GET', '/screenshot'));
  // The first break is not even seen. At the second the mirror stays away, and the download stands, with the reason.
  await until('it stands', async () => (await stands()).kind === 'paused', 60_000);
  const stood = await stands();
  assert.ok(stood.error?.message && stood.done_bytes >= BREAKS[1] - MB, JSON.stringify(stood));
  assert.ok((await page.text()).includes('stopped') && (await page.text()).includes(stood.error.message), 'the screen says why');
  await pictures('models-download-stopped');
  mirror.away = false;
  await page.click(button('Go on with the download of Mirrored 135M'));
  await until('it is here', async () => (await stands()).kind === 'installed', 60_000);
  assert.equal(mirror.breaks.length, 0, 'it broke off three times');
  assert.ok(mirror.asked.every((one) => one.path === '/miller/mirrored/resolve/0123456789abcdef0123456789abcdef01234567/mirrored.gguf'), JSON.stringify(mirror.asked));
  const froms = mirror.asked.map((one) => one.from);
  assert.deepEqual([...froms].sort((a, b) => a - b), froms, 'it never goes back');
  for (const at of BREAKS) assert.ok(froms.some((from) => from > at - 8 * MB && from <= at + MB), `${at}: ${froms}`);
  assert.equal((await reply('LoadModel', { model: 'mirrored-135m' })).state.kind, 'loaded');
  await reply('RemoveModel', { model: 'mirrored-135m' });
  // The rows below it move up.
  await page.see('//button[starts-with(@aria-label, "Get Mirrored 135M")]');
});

test('a model is measured on this machine', async () => {
  await page.click(button('About SmolLM2 135M Instruct'));
  await page.see('//dl[@aria-label="About SmolLM2 135M Instruct"]');
  await page.click(button('Measure'));
  await page.see('//dd[contains(., "Reads ") and contains(., "writes ")]', 120_000);
  const { measured, fit } = await model(CHAT);
  assert.ok(measured.reads_per_second > 0 && measured.per_second > 0 && measured.load_ms > 0 && measured.peak_bytes > 0, JSON.stringify(measured));
  assert.equal(fit.measured_bytes, measured.peak_bytes);
  await pictures('models-measured');
});

test('its context is chosen, and the engine has it', async () => {
  await page.click('//dl//button[@aria-haspopup="menu" and contains(., "Its own")]');
  await page.click('//*[@role="menuitem" or @role="menuitemradio"][contains(., "2k of context")]');
  await until('it is kept', async () => (await model(CHAT)).context === 2048);
  await page.click(button('Load SmolLM2 135M Instruct'));
  await until('it is loaded', async () => (await model(CHAT)).state.kind === 'loaded', 60_000);
  const part = (await reply('ListModels')).memory.find((one) => one.name === 'SmolLM2 135M Instruct');
  assert.match(part.note, /2048 tokens of context/);
});

test('a model that another program keeps is used where it lies', async () => {
  await page.see('//*[@role="table" and @aria-label="Found on this machine"]');
  await pictures('models-found');
  const half = (await reply('ListFoundModels')).find((one) => one.name.includes('Half'));
  assert.ok(half.unsupported, 'a file that is cut off cannot be used');
  assert.ok((await page.text()).includes(half.unsupported), 'and the screen says why');
  await page.click('//button[starts-with(@aria-label, "Use ") and contains(@aria-label, "Mill")]');
  await until('it is installed', async () => (await reply('ListModels')).installed.some((one) => one.elsewhere?.startsWith(kept)), 60_000);
});

test('when its file goes, the next best model answers and says so', async () => {
  const mill = (await reply('ListModels')).installed.find((one) => one.elsewhere);
  await reply('SetRole', { role: 'chat', model: mill.id });
  rmSync(join(kept, 'Mill-135M-GGUF'), { recursive: true });
  const [space] = await reply('ListSpaces');
  const asked = await reply('Ask', { space: space.id, conversation: null, text: 'Good morning', attachments: [], grounding: 'general' });
  await until('it has ended', async () => (await reply('GetConversation', { conversation: asked.conversation })).turns[0].state !== 'running', 120_000);
  const { turns } = await reply('GetConversation', { conversation: asked.conversation });
  assert.equal(turns[0].state, 'answered', JSON.stringify(turns[0].error));
  assert.equal(turns[0].how.model, 'SmolLM2 135M Instruct');
  assert.match(turns[0].how.route, /SmolLM2 135M Instruct answers instead\.$/);
  await page.chord(KEYS.control, '1');
  await page.click('//nav//*[contains(., "Good morning") and (self::a or self::button)]');
  await until('the page says so', async () => (await page.text()).includes('SmolLM2 135M Instruct answers instead.'));
  await pictures('ask-instead');
  await page.click(button('How this was answered'));
  await until('the trace is shown', async () => (await page.text()).includes('failed; SmolLM2 135M Instruct answers instead') || (await page.text()).includes('Must stay on this machine'));
  await pictures('trace-instead');
});
