// End to end in a real window on a virtual screen: a new user locks the vault, drops a folder, asks, follows a citation,
// locks, unlocks, starts Hearth anew. Each test goes on where the one before ended.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { button, buttonLike, composer, password } from './page.mjs';
import { BIN, MODELS, PASSPHRASE, Screen, documents, freePort, keepPicture, temporary } from './stage.mjs';
import { Driver, KEYS, until } from './webdriver.mjs';

const PROGRAM = join(BIN, 'hearth-desktop');
const folder = temporary();
const data = join(folder.path, 'data');
const args = ['--data-dir', data, '--models-dir', MODELS, '--test-automation'];
let screen;
let driver;
let page;

before(async () => {
  assert.ok(existsSync(PROGRAM), `${PROGRAM} is not built`);
  assert.ok(MODELS && existsSync(MODELS), 'HEARTH_TEST_MODELS names the folder of the default models');
  screen = await Screen.start();
  driver = await Driver.start(await freePort(), screen.env);
});

after(async () => {
  await page?.close().catch(() => undefined);
  driver?.stop();
  screen?.stop();
  folder.remove();
});

/** Opens the window and waits until the page has drawn something. */
async function open() {
  page = await driver.open(PROGRAM, args);
  await until('the page is drawn', async () => (await page.text()).trim().length > 0);
}

/** Closes the window and waits until the program has ended and let go of its folder. */
async function close() {
  await page.close();
  page = undefined;
  await until('the program has ended', () => spawnSync('pgrep', ['-f', `hearth-desktop --data-dir ${data}`]).status !== 0);
}

const reply = async (name, words) => {
  const answered = await page.door(name, words);
  assert.ok(!answered.error, `${name}: ${JSON.stringify(answered.error)}`);
  return answered.reply;
};

/** Takes the page in light and in dark. */
async function pictures(name) {
  for (const theme of ['light', 'dark']) {
    await page.run('(theme) => { document.documentElement.dataset.theme = theme; }', theme);
    await new Promise((resolve) => setTimeout(resolve, 500));
    keepPicture(`${name}-${theme}`, await page.send('GET', '/screenshot'));
  }
  await page.run('() => { delete document.documentElement.dataset.theme; }');
}

test('the first run makes a vault', async () => {
  await open();
  await page.see(button('Start asking'));
  await pictures('first-run');
  const fields = await page.find(password);
  if (fields.length === 0) await page.click('//input[@type="radio" and @value="passphrase"]/ancestor::label');
  await page.see(password);
  for (const field of await page.find(password)) await page.send('POST', `/element/${field}/value`, { text: PASSPHRASE });
  await page.click(buttonLike('Lock it with'));
  await until('the vault is open', async () => (await reply('GetVault')).kind === 'open');
  await page.click(button('Start asking'));
  await page.see(composer);
  await pictures('home-empty');
});

test('the page can reach nothing but the door', async () => {
  const reached = await page.send('POST', '/execute/async', {
    script: `const done = arguments[arguments.length - 1];
      const tries = { fetch: () => fetch('https://example.org/'), local: () => fetch('http://127.0.0.1:9/'), file: () => fetch('file:///etc/passwd'),
        open: () => window.__TAURI_INTERNALS__.invoke('plugin:dialog|open', {}), event: () => window.__TAURI_INTERNALS__.invoke('plugin:event|listen', {}) };
      Promise.all(Object.entries(tries).map(([name, one]) => one().then(() => name, () => null))).then((names) => done(names.filter(Boolean)));`,
    args: [],
  });
  assert.deepEqual(reached, []);
  await page.run("() => { location.href = 'https://example.org/'; }");
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.match(await page.run('() => location.href'), /^tauri:\/\/localhost(\/|$)/);
});

test('a folder dropped on the window is read', async () => {
  await screen.drag([documents(folder.path)], { x: 0.35, y: 0.5 }, { hover: () => pictures('drop') });
  let jobs = [];
  const [space] = await reply('ListSpaces');
  await until('every file has ended', async () => {
    jobs = await reply('ListJobs', { space: space.id });
    return jobs.length >= 4 && jobs.every((job) => ['done', 'failed'].includes(job.state));
  }, 180_000);
  await pictures('ingest');
  const states = Object.fromEntries(jobs.map((job) => [job.name.split('/').pop(), job.state]));
  assert.deepEqual(states, { 'Pachtvertrag Mühle.pdf': 'done', 'notes & queries.md': 'done', 'costs.csv': 'done', 'empty.txt': 'failed' });
  const failed = jobs.find((job) => job.state === 'failed');
  assert.equal(failed.failure.code, 'empty');
  assert.ok((await page.text()).includes(failed.failure.title), 'the failed file says why');
});

test('a question is answered with quotes that are exact', async () => {
  await page.chord(KEYS.control, '1');
  await page.type(composer, 'What is the yearly rent of the mill?');
  await page.type(composer, KEYS.enter);
  await page.see('//section[@aria-label="From your documents"]//blockquote[contains(., "4,200 crowns")]', 60_000);
  keepPicture('ask-streaming', await page.send('GET', '/screenshot'));
  await page.see('//article[@aria-busy="false"]', 180_000);
  await pictures('ask');
  const [space] = await reply('ListSpaces');
  const [row] = await reply('ListConversations', { space: space.id });
  const { turns } = await reply('GetConversation', { conversation: row.id });
  const turn = turns.at(-1);
  assert.ok(['answered', 'abstained'].includes(turn.state), turn.state);
  assert.equal(turn.how?.bytes_out ?? 0, 0);
  for (const quote of turn.quotes) {
    const view = await reply('GetPage', { version: quote.at.version, page: quote.at.page, width_px: 0, spans: [] });
    assert.equal(view.text.slice(quote.at.start, quote.at.end), quote.text, 'a quote stands word for word on its page');
  }
});

test('a citation opens its page with the words highlighted', async () => {
  await page.click('//section[@aria-label="From your documents"]//button');
  await page.see('//section[contains(@aria-label, "Viewer") and contains(@aria-label, "hle")]');
  await page.see('//*[@role="group"]//*[contains(@class, "active") or contains(@class, "rest") or self::mark]');
  await pictures('viewer');
  await page.chord(KEYS.escape);
});

test('every screen opens', async () => {
  const screens = { 2: 'Library', 3: 'Memory', 4: 'Models', 5: 'Activity', 6: 'Privacy' };
  for (const [key, name] of Object.entries(screens)) {
    await page.chord(KEYS.control, key);
    await page.see(`//main[@aria-label="${name}"]`);
    await new Promise((resolve) => setTimeout(resolve, 700));
    await pictures(name.toLowerCase());
  }
  await page.chord(KEYS.control, 'k');
  await new Promise((resolve) => setTimeout(resolve, 500));
  await pictures('palette');
  await page.chord(KEYS.escape);
});

test('a file chosen in the dialog of the system is read', async () => {
  const chosen = join(folder.path, 'chosen by hand.txt');
  writeFileSync(chosen, 'The sluice gate was painted green in 1931.\n');
  const before = new Set(screen.windows());
  await page.chord(KEYS.control, '2');
  await page.click(button('Add files'));
  let dialog;
  await until('the dialog is open', () => (dialog = screen.windows().find((id) => !before.has(id))));
  await screen.choose(dialog, chosen);
  await page.click(buttonLike('Keep in'));
  const [space] = await reply('ListSpaces');
  await until('it is read', async () => (await reply('ListJobs', { space: space.id })).some((job) => job.name === 'chosen by hand.txt' && job.state === 'done'), 60_000);
  const hits = await reply('Search', { space: space.id, text: 'sluice gate', limit: 3 });
  assert.match(hits.passages[0].text, /painted green in 1931/);
});

test('a folder chosen in the dialog is followed, and an answer whose source changed says so', async () => {
  const watched = join(folder.path, 'watched');
  mkdirSync(watched);
  writeFileSync(join(watched, 'ferry.md'), '# Ferry\n\nThe ferry leaves the west pier at 6:40 in the morning.\n\nBicycles travel free of charge.\n');
  const [space] = await reply('ListSpaces');
  const before = new Set(screen.windows());
  await page.chord(KEYS.control, '2');
  await page.click(button('Watch a folder'));
  let dialog;
  await until('the dialog is open', () => (dialog = screen.windows().find((id) => !before.has(id))));
  await screen.choose(dialog, watched);
  const found = async (words) => JSON.stringify((await reply('Search', { space: space.id, text: 'ferry west pier', limit: 3 })).passages).includes(words);
  await until('the file is read', () => found('6:40'), 60_000);
  await page.chord(KEYS.control, 'n');
  await page.type(composer, 'When does the ferry leave the west pier?');
  await page.type(composer, KEYS.enter);
  await page.see('//section[@aria-label="From your documents"]//blockquote[contains(., "6:40")]', 60_000);
  await page.see('//article[@aria-busy="false"]', 180_000);

  writeFileSync(join(watched, 'ferry.md'), '# Ferry\n\nThe ferry leaves the west pier at 7:15 in the morning.\n\nBicycles travel free of charge.\n');
  const changed = Date.now();
  await until('the change is found', async () => (await found('7:15')) && !(await found('6:40')), 60_000);
  console.log(`edit to fresh answer: ${Date.now() - changed} ms`);
  await page.click(buttonLike('Compare with the version used'));
  await page.see('//ins[contains(., "7:15")]');
  await pictures('compare');
  await page.chord(KEYS.escape);
  await page.chord(KEYS.control, '2');
  await page.see(button('Watch a folder'));
  await page.see('//h2[normalize-space(.)="Watched folders"]');
  await pictures('library-watched');
  const [stands] = await reply('ListWatched', { space: space.id });
  assert.deepEqual([stands.state, stands.answering, stands.problems_total], ['watching', 1, 0]);
  await reply('StopWatching', { folder: stands.id, remove: true });
  await until('its document is out of every answer', async () => !(await found('7:15')));
});

test('the vault locks, refuses a wrong passphrase, and opens again', async () => {
  await page.chord(KEYS.control, KEYS.shift, 'l');
  await page.see(password);
  await pictures('unlock');
  assert.equal((await reply('GetVault')).kind, 'locked');
  assert.equal((await page.door('ListSpaces')).error.code, 'locked');
  await page.type(password, `not the passphrase${KEYS.enter}`);
  await page.see('//*[@role="alert" and normalize-space(.)!=""]');
  assert.equal((await reply('GetVault')).kind, 'locked');
  await page.send('POST', `/element/${(await page.find(password))[0]}/clear`, {});
  await page.type(password, `${PASSPHRASE}${KEYS.enter}`);
  await until('the vault is open', async () => (await reply('GetVault')).kind === 'open');
});

test('a second start gives way to the first', async () => {
  const second = spawn(PROGRAM, ['--data-dir', data, '--models-dir', MODELS], { env: { ...process.env, ...screen.env }, stdio: 'inherit' });
  const ended = new Promise((resolve) => second.once('exit', resolve));
  setTimeout(() => second.kill(), 20_000).unref();
  assert.equal(await ended, 0);
  assert.equal((await reply('GetVault')).kind, 'open');
});

test('a second start without a session bus says that the folder is in use', async () => {
  const env = { ...process.env, ...screen.env, DBUS_SESSION_BUS_ADDRESS: 'disabled:' };
  const second = spawn(PROGRAM, ['--data-dir', data, '--models-dir', MODELS], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  second.stderr.on('data', (bytes) => (said += bytes));
  await until('it says that the folder is in use', () => /^hearth: .+/m.test(said), 20_000);
  second.kill();
  assert.equal((await reply('GetVault')).kind, 'open');
});

test('everything is there after a new start', async () => {
  await close();
  await open();
  await page.type(password, `${PASSPHRASE}${KEYS.enter}`);
  await page.see(composer);
  await until('the conversation is listed', async () => (await page.text()).includes('What is the yearly rent of the mill?'));
  const [space] = await reply('ListSpaces');
  assert.equal(space.documents, 4);
  const check = await reply('VerifyAudit');
  assert.equal(check.broken, null);
  assert.ok(check.entries > 0);
});
