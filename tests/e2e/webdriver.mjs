// The few words of the WebDriver protocol that the window's tests speak, over plain fetch.
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** A driver process for one display, and the sessions it opens. */
export class Driver {
  /** Starts the driver on a port. The windows it opens may be driven: that is what the variable says. */
  static async start(port, env) {
    const child = spawn('WebKitWebDriver', [`--port=${port}`], {
      env: { ...process.env, ...env, TAURI_WEBVIEW_AUTOMATION: 'true' },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const driver = new Driver(child, `http://127.0.0.1:${port}`);
    await until('the driver answers', async () => (await driver.send('GET', '/status')).ready !== undefined, 20_000);
    return driver;
  }

  constructor(child, base) {
    this.child = child;
    this.base = base;
  }

  async send(method, path, body) {
    const response = await fetch(this.base + path, { method, body: body === undefined ? undefined : JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${value?.error}: ${value?.message}`);
    return value;
  }

  /** Opens the program in a session of its own. */
  async open(binary, args) {
    const options = { browserName: 'wry', 'webkitgtk:browserOptions': { binary, args } };
    const { sessionId } = await this.send('POST', '/session', { capabilities: { alwaysMatch: options } });
    return new Session(this, sessionId);
  }

  stop() {
    this.child.kill();
  }
}

/** One driven window. */
export class Session {
  constructor(driver, id) {
    this.driver = driver;
    this.path = `/session/${id}`;
  }

  send(method, path, body) {
    return this.driver.send(method, this.path + path, body);
  }

  /** Runs a function in the page. */
  run(body, ...args) {
    return this.send('POST', '/execute/sync', { script: `return (${body})(...arguments)`, args });
  }

  /** Calls the door as the page would; for looking, not for doing what a person does. */
  door(name, args = {}) {
    return this.send('POST', '/execute/async', {
      script: `const [name, args, done] = arguments;
        window.__TAURI_INTERNALS__.invoke('rpc', { command: { name, args } }).then((reply) => done({ reply }), (error) => done({ error }));`,
      args: [name, args],
    });
  }

  async find(xpath) {
    const found = await this.send('POST', '/elements', { using: 'xpath', value: xpath });
    return found.map((element) => element[ELEMENT]);
  }

  /** Waits for an element that is shown. */
  async see(xpath, wait = 30_000) {
    let shown;
    await until(`${xpath} is shown`, async () => {
      for (const element of await this.find(xpath)) {
        if (await this.send('GET', `/element/${element}/displayed`).catch(() => false)) {
          shown = element;
          return true;
        }
      }
      return false;
    }, wait);
    return shown;
  }

  /** Clicks what stands still, as a person does: what moves between the press and its release is not clicked at all. */
  async click(xpath, wait) {
    let element;
    let before;
    await until(`${xpath} stands still`, async () => {
      element = await this.see(xpath, wait);
      const now = JSON.stringify(await this.send('GET', `/element/${element}/rect`));
      const still = now === before;
      before = now;
      return still;
    }, wait);
    await this.send('POST', `/element/${element}/click`, {});
  }

  async type(xpath, text) {
    const element = await this.see(xpath);
    await this.send('POST', `/element/${element}/value`, { text });
  }

  /** Presses keys together, as a person does: the first ones are held. */
  chord(...keys) {
    const actions = [...keys.map((value) => ({ type: 'keyDown', value })), ...[...keys].reverse().map((value) => ({ type: 'keyUp', value }))];
    return this.send('POST', '/actions', { actions: [{ type: 'key', id: 'keyboard', actions }] });
  }

  /** Everything that the page says. */
  text() {
    return this.run('() => document.body.innerText');
  }

  close() {
    return this.send('DELETE', '');
  }
}

/** Keys of the protocol. */
export const KEYS = { enter: '\uE007', escape: '\uE00C', tab: '\uE004', control: '\uE009', shift: '\uE008' };

/** Waits until something holds. */
export async function until(what, holds, wait = 30_000) {
  const end = Date.now() + wait;
  let last;
  while (Date.now() < end) {
    try {
      if (await holds()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await pause(100);
  }
  throw new Error(`in ${wait / 1000} s it did not come about that ${what}${last ? ` (${last.message})` : ''}`);
}
