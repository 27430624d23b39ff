// What store promises.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Envelope } from './bindings';
import { fake } from './fake';
import { router } from './router.svelte';
import { store } from './store.svelte';
import type { Transport } from './transport';

let send: (envelope: Envelope) => void;
let end: () => void;
const calls: string[] = [];
/** A command whose next reply waits. */
let slow: { name: string; until: Promise<void>; reply: unknown } | null = null;

/** The scripted backend, with its stream in the test's hands. */
function held(inner: Transport): Transport {
  return {
    call: async (name, args) => {
      calls.push(name);
      if (slow?.name !== name) return inner.call(name, args);
      const { until, reply } = slow;
      slow = null;
      await until;
      return reply as Awaited<ReturnType<typeof inner.call<typeof name>>>;
    },
    follow: (onEnvelope, onLost) => {
      send = onEnvelope;
      return inner.follow(onEnvelope, onLost);
    },
  };
}

/** Has a gap in the stream ask a command whose reply waits; gives the way to answer. */
function askedByGap(name: string, reply: unknown): () => void {
  let answer: () => void = () => {};
  slow = { name, until: new Promise((resolve) => (answer = resolve)), reply };
  send({ seq: 900, event: { kind: 'focused' } });
  return answer;
}

const settle = () => vi.advanceTimersByTimeAsync(40);

beforeEach(async () => {
  vi.useFakeTimers();
  calls.length = 0;
  router.reset();
  store.phase = 'starting';
  store.connected = false;
  store.conversation = null;
  end = await store.start(held(fake(new URLSearchParams('pace=10'))));
  await settle();
});
afterEach(() => {
  end();
  vi.useRealTimers();
});

describe('start', () => {
  it('opens the last space with its conversations', () => {
    expect(store.phase).toBe('open');
    expect(store.space?.name).toBe('Lindgate Hospital');
    expect(store.conversations.length).toBeGreaterThan(5);
  });
});

describe('asking', () => {
  it('streams a turn from question to checked answer', async () => {
    await store.ask('Does it meet the width?', [], 'documents');
    await settle();
    expect(store.running?.question).toBe('Does it meet the width?');
    await vi.advanceTimersByTimeAsync(600);
    expect(store.running?.quotes).toHaveLength(2);
    const half = store.running?.answer ?? '';
    expect(half.length).toBeGreaterThan(10);
    expect(half).toMatch(/\s$/);
    await vi.advanceTimersByTimeAsync(3000);
    expect(store.running).toBeNull();
    expect(store.lastTurn?.state).toBe('answered');
    expect(store.lastTurn?.sentences).toHaveLength(6);
  });

  it('lets the next question wait, and asks it when the first has ended', async () => {
    await store.ask('Does it meet the width?', [], 'documents');
    await settle();
    await store.ask('How many nurses are there?', [], 'documents');
    expect(store.waiting.map((one) => one.text)).toEqual(['How many nurses are there?']);
    await vi.advanceTimersByTimeAsync(6000);
    expect(store.waiting).toEqual([]);
    expect(store.conversation?.turns.map((turn) => turn.state)).toEqual(['answered', 'abstained']);
  });

  it('asks what waits in its own conversation, wherever the person went', async () => {
    await store.ask('Does it meet the width?', [], 'documents');
    await settle();
    const begun = store.conversation?.id ?? 0;
    await store.ask('How many nurses are there?', [], 'documents');
    await store.openConversation(1);
    await vi.advanceTimersByTimeAsync(6000);
    expect(store.conversation?.turns).toHaveLength(3);
    await store.openConversation(begun);
    expect(store.conversation?.turns.map((turn) => turn.state)).toEqual(['answered', 'abstained']);
  });

  it('keeps what was written when it is stopped', async () => {
    await store.ask('Does it meet the width?', [], 'documents');
    await vi.advanceTimersByTimeAsync(700);
    await store.stop();
    await settle();
    expect(store.lastTurn?.state).toBe('stopped');
    expect(store.lastTurn?.answer.length).toBeGreaterThan(5);
  });

  it('puts an edited question in place of the last one', async () => {
    await store.openConversation(1);
    const last = store.lastTurn?.id ?? 0;
    await store.editQuestion(last, 'How many nurses are there?');
    await vi.advanceTimersByTimeAsync(4000);
    expect(store.conversation?.turns).toHaveLength(3);
    expect(store.lastTurn?.question).toBe('How many nurses are there?');
    expect(store.conversation?.turns.some((turn) => turn.id === last)).toBe(false);
  });
});

describe('the stream', () => {
  it('asks again for what is on screen after a gap', async () => {
    await store.openConversation(1);
    calls.length = 0;
    send({ seq: 900, event: { kind: 'focused' } });
    await settle();
    expect(calls).toEqual(expect.arrayContaining(['GetStatus', 'ListConversations', 'ListJobs', 'GetConversation']));
    calls.length = 0;
    send({ seq: 901, event: { kind: 'focused' } });
    await settle();
    expect(calls).toEqual([]);
  });

  it('does not take a reply that an event has outrun', async () => {
    const old = await store.call('GetStatus', {});
    const answer = askedByGap('GetStatus', old);
    send({ seq: 901, event: { kind: 'status', status: { ...old, mode: 'ask_before_remote' } } });
    answer();
    await settle();
    expect(old.mode).not.toBe('ask_before_remote');
    expect(store.status?.mode).toBe('ask_before_remote');
  });

  it('keeps what events told of jobs while they were asked for', async () => {
    const old = store.jobs;
    const job = old[0];
    if (!job) throw new Error('no job');
    const answer = askedByGap('ListJobs', old);
    send({ seq: 901, event: { kind: 'job', job: { ...job, name: 'Read to its end' } } });
    answer();
    await settle();
    expect(store.jobs.find((one) => one.id === job.id)?.name).toBe('Read to its end');
  });

  it('tells whoever shows what went stale, at once and then not with every file', async () => {
    const run = vi.fn();
    const stop = store.onStale(['ListDocuments'], run);
    let seq = 0;
    const stale = (command: 'ListModels' | 'ListDocuments') => send({ seq: ++seq, event: { kind: 'stale', commands: [command] } });
    stale('ListModels');
    vi.advanceTimersByTime(1000);
    expect(run).not.toHaveBeenCalled();
    stale('ListDocuments');
    expect(run).toHaveBeenCalledTimes(1);
    for (let file = 0; file < 100; file++) stale('ListDocuments');
    expect(run).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1000);
    expect(run).toHaveBeenCalledTimes(2);
    stop();
    stale('ListDocuments');
    vi.advanceTimersByTime(1000);
    expect(run).toHaveBeenCalledTimes(2);
    await settle();
  });

  it('lets everything go when the vault locks', async () => {
    await store.openConversation(1);
    const vault = await store.call('LockVault', {});
    store.enter(vault);
    expect(store.phase).toBe('locked');
    expect(store.conversation).toBeNull();
    expect(store.conversations).toEqual([]);
    expect(router.place.conversation).toBeNull();
  });
});
