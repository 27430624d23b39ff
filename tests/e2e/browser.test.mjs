// The interface in headless Chromium against the loopback door: the same page and kernel as in the window. First run,
// asking, a walk by keyboard, names for screen readers (axe), bad input.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { button, buttonLike, composer, password } from './page.mjs';
import { BIN, MODELS, PASSPHRASE, documents, pdf, temporary } from './stage.mjs';
import { until } from './webdriver.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const folder = temporary();
let server;
let link;
let browser;
let page;
const foreign = [];
const complaints = [];

before(async () => {
  const program = join(BIN, 'hearth');
  assert.ok(existsSync(program), `${program} is not built`);
  server = spawn(program, ['--data-dir', join(folder.path, 'data'), '--models-dir', MODELS, 'serve', '--ui'], { stdio: ['ignore', 'pipe', 'inherit'] });
  link = await new Promise((resolve, reject) => {
    server.stdout.once('data', (bytes) => resolve(String(bytes).trim()));
    server.once('exit', (code) => reject(new Error(`hearth serve ended with ${code}`)));
  });
  browser = await chromium.launch({
    executablePath: process.env.HEARTH_BROWSER?.startsWith('/') ? process.env.HEARTH_BROWSER : `/usr/bin/${process.env.HEARTH_BROWSER ?? 'chromium'}`,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const own = new URL(link).origin;
  page.on('request', (request) => {
    if (!request.url().startsWith(own) && !request.url().startsWith('blob:')) foreign.push(request.url());
  });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(link);
});

after(async () => {
  await browser?.close();
  server?.kill('SIGTERM');
  await new Promise((resolve) => (server && server.exitCode === null ? server.once('exit', resolve) : resolve()));
  folder.remove();
});

/** Calls the door as the page would. */
const door = (name, args = {}) =>
  page.evaluate(
    async ([name, args]) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${sessionStorage.getItem('hearth.token')}` };
      const response = await fetch('/rpc', { method: 'POST', headers, body: JSON.stringify({ name, args }) });
      return response.json();
    },
    [name, args],
  );

/** What axe finds wrong, with the elements. */
async function wrong() {
  // The page's policy forbids inline scripts; the driver's own channel is not the page's.
  await page.evaluate(AXE);
  // A color that is still on its way to another is no color of the theme.
  await page.evaluate(async () => {
    const moving = () => document.getAnimations().filter((one) => one.playState === 'running' && one.effect?.getComputedTiming().endTime < Infinity);
    for (let all = moving(); all.length; all = moving()) await Promise.allSettled(all.map((one) => one.finished));
  });
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }));
  return found.violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.target.join(' ')).join('; ')}`);
}

const space = async () => (await door('ListSpaces'))[0].id;

async function settled(atLeast) {
  let jobs = [];
  const here = await space();
  await until('every file has ended', async () => {
    jobs = await door('ListJobs', { space: here });
    return jobs.length >= atLeast && jobs.every((job) => ['done', 'failed', 'cancelled'].includes(job.state));
  }, 180_000);
  return jobs;
}

/** A picture of the page, where pictures are wanted. */
const shot = (name) => process.env.HEARTH_PICTURES && page.screenshot({ path: `${process.env.HEARTH_PICTURES}/browser-${name}.png` });

test('the token is taken out of the address', async () => {
  assert.match(link, /^http:\/\/127\.0\.0\.1:\d+\/#token=[0-9a-f]{64}$/);
  await until('the address holds no token', async () => !(await page.evaluate(() => location.href)).includes('token'));
});

test('a page without the token is told so', async () => {
  const other = await browser.newPage();
  await other.goto(new URL(link).origin);
  await other.getByText(/no permission|token/i).first().waitFor();
  await other.close();
});

test('the first run makes a vault, by keyboard alone', async () => {
  await page.locator(`xpath=${button('Start asking')}`).waitFor();
  assert.deepEqual(await wrong(), []);
  if ((await page.locator(`xpath=${password}`).count()) === 0) await page.locator('input[type=radio][value=passphrase]').press('Space');
  const fields = page.locator(`xpath=${password}`);
  await fields.first().focus();
  await page.keyboard.type('short');
  await page.keyboard.press('Enter');
  await page.getByText('Use at least 8 characters').waitFor();
  assert.equal((await door('GetVault')).kind, 'fresh');
  for (let at = 0; at < (await fields.count()); at++) {
    await fields.nth(at).focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.type(PASSPHRASE);
  }
  await page.keyboard.press('Enter');
  await until('the vault is open', async () => (await door('GetVault')).kind === 'open');
  const start = page.locator(`xpath=${button('Start asking')}`);
  // The page hears of the vault after the door has it; until then the button works and takes no key.
  await until('the button can be pressed', () => start.isEnabled());
  await start.focus();
  await page.keyboard.press('Enter');
  await page.locator(`xpath=${composer}`).waitFor();
  assert.deepEqual(await wrong(), []);
});

test('files chosen in the page are read', async () => {
  const here = documents(folder.path);
  const files = [join(here, 'Pachtvertrag Mühle.pdf'), join(here, 'notes & queries.md')].map((path) => ({
    name: path.split('/').pop(),
    base64: readFileSync(path).toString('base64'),
  }));
  const offer = await door('OfferFiles', { files });
  assert.equal(offer.readable, 2);
  await door('ImportOffer', { offer: offer.id, space: await space(), destination: { kind: 'keep' }, label: null });
  const jobs = await settled(2);
  assert.ok(jobs.every((job) => job.state === 'done'), JSON.stringify(jobs));
});

test('bad input fails by itself, and says why', async () => {
  const bad = [
    { name: 'cut.pdf', bytes: Buffer.from(pdf(['one page'])).subarray(0, 120), codes: ['damaged', 'no_text', 'unreadable'] },
    { name: 'none.txt', bytes: Buffer.alloc(0), codes: ['empty'] },
    { name: 'program.exe', bytes: Buffer.from('MZ\u0090\u0000 not a document'), codes: ['unsupported'] },
    { name: 'zip.docx', bytes: Buffer.from('PK\u0003\u0004 not truly'), codes: ['damaged', 'unreadable', 'unsupported'] },
    { name: '..\\..\\etc/../pass\u202Ewd.md', bytes: Buffer.from('# A name with any characters\n\nThe words are read.\n'), codes: null },
  ];
  const offer = await door('OfferFiles', { files: bad.map(({ name, bytes }) => ({ name, base64: bytes.toString('base64') })) });
  await door('ImportOffer', { offer: offer.id, space: await space(), destination: { kind: 'keep' }, label: null });
  const jobs = (await settled(2 + bad.length)).filter((job) => !/Pacht|notes/.test(job.name));
  assert.equal(jobs.length, bad.length);
  for (const { name, codes } of bad) {
    const job = jobs.find((one) => name.endsWith(one.name) || one.name.endsWith(name.split(/[\\/]/).pop()));
    assert.ok(job, `${name} has a job`);
    if (codes === null) {
      assert.equal(job.state, 'done', JSON.stringify(job.failure));
      assert.ok(!/[\\/]/.test(job.name), 'a name is never a path');
    } else {
      assert.equal(job.state, 'failed', name);
      assert.ok(codes.includes(job.failure.code), `${name}: ${job.failure.code}`);
      assert.ok(job.failure.message.length > 10 && job.failure.actions.length > 0, `${name} says what to do`);
    }
  }
  const odd = await Promise.all([
    door('Ask', { space: 99_999, conversation: null, text: 'Where?', attachments: [], grounding: 'documents' }),
    door('ImportOffer', { offer: 99_999, space: await space(), destination: { kind: 'keep' }, label: null }),
    door('GetPage', { version: -1, page: 4_000_000_000, width_px: 4_000_000_000, spans: [] }),
    door('NoSuchCommand'),
  ]);
  for (const error of odd) assert.ok(error.code && error.message, JSON.stringify(error));
});

test('a question is asked by keyboard, and its source opens', async () => {
  await page.keyboard.press('Control+1');
  await page.locator(`xpath=${composer}`).focus();
  await page.keyboard.type('What is the yearly rent of the mill?');
  await page.keyboard.press('Enter');
  await page.locator('section[aria-label="From your documents"] blockquote', { hasText: '4,200 crowns' }).waitFor({ timeout: 60_000 });
  await page.locator('article[aria-busy="false"]').waitFor({ timeout: 180_000 });
  assert.deepEqual(await wrong(), []);
  const mark = page.locator('section[aria-label="From your documents"] button').first();
  await mark.focus();
  await page.keyboard.press('Enter');
  await page.locator('[aria-label^="Viewer"]').waitFor();
  assert.deepEqual(await wrong(), []);
  await page.keyboard.press('Escape');
});

test('every screen has names for a screen reader', async () => {
  for (const [key, name] of [['2', 'Library'], ['3', 'Memory'], ['4', 'Models'], ['5', 'Activity'], ['6', 'Privacy']]) {
    await page.keyboard.press(`Control+${key}`);
    await page.locator(`main[aria-label="${name}"]`).waitFor();
    await page.waitForTimeout(400);
    assert.deepEqual(await wrong(), [], name);
  }
  for (const theme of ['dark', 'light']) {
    await page.evaluate((theme) => (document.documentElement.dataset.theme = theme), theme);
    assert.deepEqual(await wrong(), [], theme);
  }
});

test('rules are tried before they hold, and a mode is chosen', async () => {
  await page.keyboard.press('Control+6');
  await page.locator('main[aria-label="Privacy"]').waitFor();
  await page.locator('button', { hasText: 'Edit your rules' }).click();
  const dialog = page.locator('dialog[open]');
  await dialog.locator('select[aria-label="What is done"]').selectOption('answer');
  await dialog.locator('button', { hasText: 'Add' }).click();
  assert.ok(await dialog.locator('button', { hasText: 'Use these rules' }).isDisabled(), 'a rule that was not tried does not hold');
  await dialog.locator('button', { hasText: 'Try' }).click();
  await dialog.locator('[role="status"]', { hasText: 'would be decided otherwise' }).waitFor();
  assert.deepEqual(await wrong(), []);
  await shot('privacy-rules');
  await dialog.locator('textarea').fill('forbid (principal, action == Action::"fly", resource);');
  await dialog.locator('button', { hasText: 'Try' }).click();
  await dialog.locator('text=line 1').waitFor();
  await dialog.locator('button', { hasText: 'Leave as it is' }).click();
  for (const mode of ['Ask before remote', 'Offline', 'Local only']) {
    await page.locator('[role="radiogroup"] label', { hasText: mode }).click();
    if (mode === 'Ask before remote') {
      await page.locator('footer', { hasText: 'Local only' }).waitFor();
      await page.locator('dialog[open] button', { hasText: mode }).click();
    }
    await page.locator('footer', { hasText: mode }).waitFor();
  }
  await shot('privacy');
});

test('a stronger model elsewhere is sent exactly the bytes that were shown, after a yes', async () => {
  const heard = [];
  const peer = createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      heard.push(Buffer.concat(parts).toString());
      const say = (delta, finish = null) => `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`${say({ content: 'The yearly rent of the mill is 4,200 crowns.' })}${say({}, 'stop')}data: [DONE]\n\n`);
    });
  });
  await new Promise((resolve) => peer.listen(0, '127.0.0.1', resolve));
  try {
    await door('SetMode', { mode: 'ask_before_remote' });
    const provider = { id: null, name: 'The tower', service: 'compatible', address: `http://127.0.0.1:${peer.address().port}/v1`, model: 'large', residency: 'own hardware', keeps: 'nothing', key: null, input_price: null, output_price: null };
    const set = await door('SetProvider', { provider });
    assert.equal(set.providers?.length, 1, JSON.stringify(set));
    await page.keyboard.press('Control+1');
    await page.locator(`xpath=${buttonLike('Ask a stronger model')}`).first().click();
    const prompt = page.locator('dialog[open]', { hasText: 'Exactly what would leave' });
    await prompt.locator('.text .words').first().waitFor();
    assert.deepEqual(await wrong(), []);
    await shot('remote-prompt');
    await prompt.locator('button', { hasText: 'Show every byte' }).click();
    const shown = await prompt.locator('.text pre').textContent();
    assert.ok(shown.includes('4,200 crowns'), 'the passage leaves with the question');
    assert.deepEqual(heard, [], 'looking sends nothing');
    await prompt.locator('button', { hasText: 'Send this once' }).click();
    await page.locator('article[aria-busy="false"]', { hasText: 'large at The tower' }).waitFor({ timeout: 60_000 });
    assert.deepEqual(heard, [shown]);
    assert.deepEqual(await wrong(), []);
    await shot('remote-answer');
  } finally {
    const { providers } = await door('ListProviders');
    for (const { id } of providers) await door('RemoveProvider', { provider: id });
    await door('SetMode', { mode: 'local_only' });
    peer.closeAllConnections();
    peer.close();
  }
});

test('an answer made here is replayed, and the record leaves as a report', async () => {
  const asked = await door('Ask', { space: await space(), conversation: null, text: 'Who repairs the roof of the mill?', attachments: [], grounding: 'documents' });
  await until('it is answered', async () => (await door('GetConversation', { conversation: asked.conversation })).turns.at(-1).state !== 'running', 180_000);
  await page.keyboard.press('Control+5');
  await page.locator('main[aria-label="Activity"]').waitFor();
  await page.locator('[aria-label="The record"] button', { hasText: 'roof' }).first().click();
  await page.locator('button', { hasText: 'Replay' }).first().click();
  await page.locator('section[aria-label="Replay"]', { hasText: /Same|No model/ }).waitFor({ timeout: 180_000 });
  assert.deepEqual(await wrong(), []);
  await shot('replay');
  await page.locator(`xpath=${buttonLike('Export')}`).first().click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('[role="menuitem"]', { hasText: 'one page' }).click()]);
  const report = join(folder.path, download.suggestedFilename());
  await download.saveAs(report);
  const text = readFileSync(report, 'utf8');
  assert.match(text, /The record holds/);
  assert.ok(!text.includes('roof of the mill'), 'no question stands in it');
  if (process.env.HEARTH_PICTURES) {
    const beside = await browser.newPage({ viewport: { width: 1200, height: 1600 } });
    await beside.goto(`file://${report}`);
    await beside.screenshot({ path: `${process.env.HEARTH_PICTURES}/browser-report.png` });
    await beside.close();
  }
});

test('a keyboard goes round the whole page', async () => {
  await page.keyboard.press('Control+1');
  const seen = new Set();
  for (let step = 0; step < 80; step++) {
    await page.keyboard.press('Tab');
    seen.add(
      await page.evaluate(() => {
        const here = document.activeElement;
        return here === document.body ? 'body' : (here?.closest('[data-region]')?.getAttribute('aria-label') ?? here?.tagName ?? 'none');
      }),
    );
  }
  for (const region of ['Hearth', 'Ask', 'Status']) assert.ok(seen.has(region), `${region} is reached; seen: ${[...seen].join(', ')}`);
});

test('a document cannot bring anything into the page', async () => {
  const text = '# Poster\n\n<img src="http://127.0.0.1:9/x.png" onerror="document.title=\'owned\'"> ![x](http://127.0.0.1:9/y.png)\n\n<script>document.title="owned"</script>\n\nThe poster is green.\n';
  const offer = await door('OfferText', { name: 'poster.md', text });
  await door('ImportOffer', { offer: offer.id, space: await space(), destination: { kind: 'keep' }, label: null });
  await settled(8);
  await page.keyboard.press('Control+1');
  await page.locator(`xpath=${buttonLike('New question')}`).first().click();
  await page.locator(`xpath=${composer}`).fill('Which colour has the poster?');
  await page.keyboard.press('Enter');
  await page.locator('section[aria-label="From your documents"] button').first().click({ timeout: 60_000 });
  await page.locator('[aria-label^="Viewer"]').waitFor();
  await page.waitForTimeout(500);
  assert.notEqual(await page.title(), 'owned');
});

test('a draft waits in its conversation, and nothing of the vault stays on the page when it locks', async () => {
  await page.keyboard.press('Control+1');
  await page.locator(`xpath=${composer}`).fill('And who painted it?');
  await page.keyboard.press('Control+2');
  await page.locator('main[aria-label="Library"]').waitFor();
  await page.keyboard.press('Control+1');
  assert.equal(await page.locator(`xpath=${composer}`).inputValue(), 'And who painted it?');
  await page.locator(`xpath=${buttonLike('New question')}`).first().click();
  assert.equal(await page.locator(`xpath=${composer}`).inputValue(), '');
  await page.locator('footer button', { hasText: 'Vault open' }).click();
  await page.locator('[role="menuitem"]', { hasText: 'Lock now' }).click();
  await page.locator(`xpath=${password}`).first().waitFor();
  const left = await page.evaluate(() => document.body.innerHTML);
  for (const word of ['poster', 'painted', 'mill', 'crowns']) assert.ok(!left.includes(word), `“${word}” is still on the page`);
  assert.deepEqual(await wrong(), []);
  await page.locator(`xpath=${password}`).first().fill(PASSPHRASE);
  await page.keyboard.press('Enter');
  await page.locator(`xpath=${composer}`).waitFor();
  assert.equal(await page.locator(`xpath=${composer}`).inputValue(), '');
});

test('nothing was asked of anyone else, and the page never complained', () => {
  assert.deepEqual(foreign, []);
  const real = complaints.filter((text) => !/the server responded with a status of (4\d\d|5\d\d)/.test(text));
  assert.deepEqual(real, []);
});

