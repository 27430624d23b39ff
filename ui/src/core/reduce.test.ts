// What reduce promises.
import { describe, expect, it } from 'vitest';
import type { Conversation, Job, Turn } from './bindings';
import { begun, CORRIDOR } from './fake/turns';
import { reduceConversation, reduceJobs, reduceTurn, takenBack, wholeWords } from './reduce';

const turn = (): Turn => begun(7, 'Does it meet the width?', 1000);

describe('reduceTurn', () => {
  it('follows a turn from its beginning to its end', () => {
    const begin = turn();
    let now = reduceTurn(undefined, { kind: 'began', turn: begin });
    now = reduceTurn(now, { kind: 'quotes', quotes: CORRIDOR.quotes, sources: CORRIDOR.sources, took_ms: 240, searched_documents: 214 });
    expect(now?.quotes_ms).toBe(240);
    expect(now?.searched_documents).toBe(214);
    now = reduceTurn(now, { kind: 'words', text: 'Not along ' });
    now = reduceTurn(now, { kind: 'words', text: 'its whole length. ' });
    expect(now?.answer).toBe('Not along its whole length. ');
    now = reduceTurn(now, { kind: 'checked', sentences: CORRIDOR.sentences.slice(0, 1), sources: CORRIDOR.sources });
    expect(now?.sentences).toHaveLength(1);
    now = reduceTurn(now, { kind: 'ended', turn: { ...begin, state: 'answered', answer: CORRIDOR.answer } });
    expect(now?.state).toBe('answered');
    expect(now?.answer).toBe(CORRIDOR.answer);
  });

  it('makes nothing of news about a turn it never saw begin', () => {
    expect(reduceTurn(undefined, { kind: 'words', text: 'lost' })).toBeUndefined();
  });

  it('does not add late words to an ended turn', () => {
    const ended = { ...turn(), state: 'stopped' as const, answer: 'Kept.' };
    expect(reduceTurn(ended, { kind: 'words', text: ' late' })).toBe(ended);
  });
});

describe('reduceConversation', () => {
  const conversation = (): Conversation => ({ id: 1, space: 1, title: 'Width', turns: [turn()] });

  it('adds a new turn at the end and changes only the turn it is about', () => {
    const second = { ...turn(), id: 8 };
    const two = reduceConversation(conversation(), 8, { kind: 'began', turn: second });
    expect(two.turns.map((one) => one.id)).toEqual([7, 8]);
    const spoken = reduceConversation(two, 8, { kind: 'words', text: 'Yes.' });
    expect(spoken.turns[0]).toBe(two.turns[0]);
    expect(spoken.turns[1]?.answer).toBe('Yes.');
  });

  it('leaves the conversation as it is for news of an unknown turn', () => {
    const before = conversation();
    expect(reduceConversation(before, 99, { kind: 'words', text: 'x' })).toBe(before);
  });
});

describe('reduceJobs', () => {
  it('replaces a job in its place and adds a new one at the end', () => {
    const job = (id: number, done: number) => ({ id, done }) as Job;
    const jobs = [job(1, 0), job(2, 0)];
    expect(reduceJobs(jobs, job(1, 5)).map((one) => [one.id, one.done])).toEqual([[1, 5], [2, 0]]);
    expect(reduceJobs(jobs, job(3, 0)).map((one) => one.id)).toEqual([1, 2, 3]);
  });
});

describe('wholeWords', () => {
  it.each([
    ['Not along its wh', 'Not along its ', 'wh'],
    ['length. ', 'length. ', ''],
    ['one', '', 'one'],
    ['line\nnext', 'line\n', 'next'],
    ['', '', ''],
  ])('%j', (text, ready, rest) => expect(wholeWords(text)).toEqual({ ready, rest }));
});

describe('takenBack', () => {
  const running = (answer: string): Turn => ({ ...turn(), state: 'running', answer });

  it('is what stood on screen when nothing of it stands in the answer', () => {
    const before = running('The risk factors are many. Some of them are new.');
    expect(takenBack(before, { ...before, state: 'abstained', answer: '', not_said: 'Nothing says it.' })).toBe(before.answer);
    expect(takenBack(before, { ...before, answer: '' })).toBe(before.answer);
  });

  it('is nothing while the answer goes on, is tidied at its end, or keeps a sentence', () => {
    const before = running('The risk factors are many. Some of th');
    expect(takenBack(before, { ...before, answer: `${before.answer}em are new.` })).toBe('');
    expect(takenBack(before, { ...before, state: 'answered', answer: 'The risk factors are many.' })).toBe('');
    const checked = { ...before, sentences: [{ start: 0, end: 26, state: 'supported' as const, citations: [], note: null }] };
    expect(takenBack(checked, { ...before, state: 'answered', answer: 'In short: The risk factors are many.' })).toBe('');
    expect(takenBack({ ...before, state: 'answered' }, { ...before, answer: '' })).toBe('');
  });
});
