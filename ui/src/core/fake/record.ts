// The imagined record: a replay, where an answer came from, who used a document, figures.
import type { AuditBreak, DocumentUse, Lineage, Metrics, Replay } from '../bindings';

const DAY = 86_400_000;

/** Where the record is broken, in the scene that shows it. */
export function flaws(now: number): AuditBreak[] {
  return [
    { seq: 3117, last: 3117, at_ms: now - DAY, why: 'its words were changed' },
    { seq: 3120, last: 3124, at_ms: null, why: 'it is not there' },
  ];
}

/** A turn run again: the same tokens, or one that parts near its end. */
export function replay(turn: number, answer: string, differs: boolean): Replay {
  const at = answer.lastIndexOf(' ') + 1;
  const now = differs ? `${answer.slice(0, at)}otherwise.` : answer;
  const tokens = answer.split(' ').length;
  const input = (name: string, value: string) => ({ name, before: value, now: value, same: true });
  return {
    turn,
    verdict: differs ? 'differs' : 'same',
    sentence: differs ? `Other words from token ${tokens} of the answer on. Not as it was: threads.` : `Same tokens: ${tokens} of ${tokens}.`,
    inputs: [input('model file', '7c1f20aa93d1'), input('A-103 Level 3 Ward, version 6', '51d8e07a41ab'), input('recipe “answer from documents”, version 1', '9f2c51d8e07a'), input('prompt', 'as it was'), input('kernel', 'avx2'), differs ? { name: 'threads', before: '16', now: '8', same: false } : input('threads', '16')],
    calls: [
      {
        name: 'answer',
        model: 'Qwen3 14B',
        run: true,
        same: !differs,
        note: '',
        tokens_before: tokens,
        tokens_now: tokens,
        difference: differs ? { token: tokens, at, before: answer.slice(at), now: 'otherwise.' } : null,
        before: answer,
        now,
      },
    ],
    before: answer,
    now,
    took_ms: 5210,
    entry: 4813,
  };
}

/** Where an answer came from. */
export function lineage(turn: number, conversation: number): Lineage {
  return {
    turn,
    conversation,
    question: '',
    versions: [
      { document: 1, version: 1, title: 'A-103 Level 3 Ward, GA Plan', number: 6, sha256: '51d8e07a41ab9f2c', current: true, passages: 3, cited: 4 },
      { document: 2, version: 2, title: 'Fire Strategy', number: 2, sha256: 'e07a41ab51d89f2c', current: false, passages: 2, cited: 1 },
    ],
    memories: [{ memory: 1, text: 'Write dates day first.' }],
    tools: [],
    models: [{ wrote: 'answer', name: 'Qwen3 14B', sha256: '7c1f20aa93d1', recipe: 'answer from documents, version 1' }],
    earlier: [],
  };
}

/** Answers that used a document. */
export function uses(document: number, now: number): DocumentUse[] {
  if (document % 2 === 0) return [];
  return [
    { turn: 11, conversation: 1, question: 'Does the Level 3 ward corridor meet the width in the fire strategy?', asked_ms: now - 3_600_000, state: 'answered', cited: 4, versions: [6], replaced: false },
    { turn: 7, conversation: 2, question: 'Which conditions are still open?', asked_ms: now - DAY, state: 'answered', cited: 0, versions: [], replaced: true },
  ];
}

/** The last 30 days. */
export function metrics(now: number): Metrics {
  return {
    from_ms: now - 30 * DAY,
    until_ms: now,
    turns: 214,
    answered: 188,
    abstained: 19,
    refused: 4,
    failed: 3,
    total_p50_ms: 4900,
    total_p95_ms: 9300,
    stations: [
      { name: 'Retrieve', count: 210, p50_ms: 168, p95_ms: 310 },
      { name: 'Generate', count: 195, p50_ms: 4400, p95_ms: 8200 },
    ],
    prompt_tokens: 361_000,
    cached_tokens: 142_000,
    new_tokens: 29_800,
    sentences: 812,
    supported: 731,
    tools: 12,
    tools_done: 11,
    attempts: 2,
    bytes_out: 3100,
    memory_bytes: 12.4e9,
  };
}
