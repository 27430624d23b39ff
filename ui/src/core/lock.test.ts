// What locking promises: nothing of the open vault stays in the page.
import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import App from '../App.svelte';
import { lit } from '../features/ask/lit.svelte';
import type { Envelope } from './bindings';
import { fake } from './fake';
import { announcer, notices } from './notices.svelte';
import { getPage } from './pages';
import { router } from './router.svelte';
import { store } from './store.svelte';
import type { Transport } from './transport';
import { ui } from './ui.svelte';

/** A word that stands in all that is put on the page here, and nowhere else. */
const SECRET = 'Ormerod';

let send: (envelope: Envelope) => void;
let end: () => void;
let app: Record<string, unknown> | null = null;
/** What the next answer of a command waits for. */
let gate: Promise<void> | null = null;

function held(inner: Transport): Transport {
  return {
    async call(name, args) {
      const reply = await inner.call(name, args);
      if (gate && name === 'GetConversation') await gate;
      return reply;
    },
    follow: (onEnvelope, onLost) => {
      send = onEnvelope;
      return inner.follow(onEnvelope, onLost);
    },
  };
}

const settle = () => vi.advanceTimersByTimeAsync(60);

beforeEach(async () => {
  vi.useFakeTimers();
  router.reset();
  store.phase = 'starting';
  store.connected = false;
  gate = null;
  end = await store.start(held(fake(new URLSearchParams('pace=5'))));
  await settle();
  app = mount(App, { target: document.body });
  flushSync();
  await settle();
});
afterEach(async () => {
  if (app) await unmount(app);
  app = null;
  document.body.replaceChildren();
  end();
  vi.useRealTimers();
});

/** Everything of the modules that may hold something of the vault, as text. */
function kept(): string {
  return JSON.stringify({
    conversation: store.conversation,
    conversations: store.conversations,
    error: store.conversationError,
    spaces: store.spaces,
    space: store.spaceId,
    settings: store.settings,
    doing: store.doing,
    taken: store.taken,
    jobs: store.jobs,
    queue: store.queue,
    dropped: store.dropped,
    notices: notices.list,
    said: announcer.text,
    draft: ui.draft,
    attachments: ui.attachments,
    viewing: ui.viewing,
    offer: ui.offer,
    palette: ui.palette,
    preview: lit.preview,
    place: router.place,
    back: router.canGoBack,
  });
}

const page = () => document.body.innerHTML + [...document.querySelectorAll('input, textarea')].map((field) => (field as HTMLInputElement).value).join(' ');

describe('locking', () => {
  it('takes the answer, what is announced, notices, drafts, attachments and the viewer off the page', async () => {
    await store.ask(`How wide is ${SECRET}?`, [], 'documents');
    await vi.advanceTimersByTimeAsync(5_000);
    await settle();
    const turn = store.lastTurn!;
    expect(turn.state).toBe('answered');
    expect(announcer.text).not.toBe('');
    const words = turn.answer.slice(0, 30);
    notices.say(`“${SECRET}” is removed.`, { action: { label: 'Undo', run: () => undefined } });
    announcer.say(`${SECRET} is 2,150 mm wide.`);
    ui.draft = `And who made ${SECRET}?`;
    ui.attach({ document: 1, title: `${SECRET} report`, kind: 'pdf' });
    ui.openCitation(turn, 0);
    lit.mark(turn.id, 0, { citation: turn.sentences[0]!.citations[0]!, source: turn.sources[0]!, note: SECRET, anchor: document.body });
    await vi.advanceTimersByTimeAsync(200);
    ui.openPalette(SECRET);
    flushSync();
    await settle();
    expect(page()).toContain(SECRET);
    expect(page()).toContain(words);
    const drawn = getPage(1, 0, 80, []);
    await drawn;

    store.enter(await store.call('LockVault', {}));
    flushSync();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(page()).not.toContain(SECRET);
    expect(page()).not.toContain(words);
    expect(page()).not.toContain('Lindgate');
    expect(kept()).not.toContain(SECRET);
    expect(kept()).not.toContain('Lindgate');
    expect(announcer.text).toBe('');
    expect(notices.list).toEqual([]);
    expect(ui.toggleViewer()).toBe(false);
    expect(getPage(1, 0, 80, [])).not.toBe(drawn);
  });

  it('takes nothing in that was asked for before, nor a late word of the stream', async () => {
    let open = () => undefined as void;
    gate = new Promise((resolve) => (open = resolve));
    const first = store.conversations[0]!;
    void store.openConversation(first.id);
    await settle();
    store.enter({ kind: 'locked', passphrase: true, device: false });
    open();
    await settle();
    expect(store.conversation).toBeNull();
    send({ seq: 900, event: { kind: 'turn', conversation: first.id, turn: 99, news: { kind: 'doing', what: SECRET, tokens_per_second: null } } });
    expect(kept()).not.toContain(SECRET);
  });
});

describe('a draft', () => {
  it('stays with its conversation, and with the home that it was begun at, until the vault locks', async () => {
    const [first, second] = store.conversations;
    ui.draft = 'begun at home';
    ui.attach({ document: 1, title: 'Report', kind: 'pdf' });
    await store.openConversation(first!.id);
    expect(ui.draft).toBe('');
    expect(ui.attachments).toEqual([]);
    ui.draft = 'for the first';
    router.go('library');
    flushSync();
    await store.openConversation(second!.id);
    flushSync();
    expect(document.querySelector('textarea')?.value).toBe('');
    await store.openConversation(first!.id);
    flushSync();
    expect(document.querySelector('textarea')?.value).toBe('for the first');
    await store.openConversation(null);
    expect(ui.draft).toBe('begun at home');
    expect(ui.attachments).toHaveLength(1);
    store.enter({ kind: 'locked', passphrase: true, device: false });
    expect(ui.draft).toBe('');
    expect(ui.attachments).toEqual([]);
  });
});
