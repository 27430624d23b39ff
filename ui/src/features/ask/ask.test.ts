// What ask promises.
import { flushSync, mount, tick, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Turn } from '../../core/bindings';
import { fake } from '../../core/fake';
import { abstained, answered, begun, contradicted, general } from '../../core/fake/turns';
import { store } from '../../core/store.svelte';
import { ui } from '../../core/ui.svelte';
import AnswerText from './AnswerText.svelte';
import { parse, typing, unknown, unknownWords } from './commands';
import TurnView from './TurnView.svelte';

let mounted: Record<string, unknown> | null = null;
let end: () => void;

function show(component: typeof TurnView | typeof AnswerText, props: Record<string, unknown>): HTMLElement {
  mounted = mount(component as typeof TurnView, { target: document.body, props: props as never });
  flushSync();
  return document.body;
}

beforeEach(async () => {
  store.phase = 'starting';
  end = await store.start(fake());
});
afterEach(async () => {
  if (mounted) await unmount(mounted);
  mounted = null;
  document.body.replaceChildren();
  ui.forgetViewer();
  end();
});

const turn = (): Turn => answered(begun(3, 'Does it meet the width?', 0));

describe('an answer', () => {
  it('keeps every word, and puts each mark after its sentence on the line of its last word', () => {
    const body = show(AnswerText, { turn: turn() });
    const words = [...body.querySelectorAll('.words')].map((node) => node.textContent).join('');
    expect(words.replace(/\s/g, '')).toBe(turn().answer.replace(/\s/g, ''));
    for (const mark of body.querySelectorAll('.mark')) expect(mark.closest('.keep')?.querySelector('.words')?.textContent?.trim()).not.toBe('');
  });

  it('names its marks and opens the page of the one that is pressed', () => {
    const body = show(AnswerText, { turn: turn() });
    const marks = [...body.querySelectorAll<HTMLButtonElement>('button.mark')];
    expect(marks[0]?.getAttribute('aria-label')).toBe('Citation 1, Fire Strategy Report, page 14, supports this sentence');
    marks[3]?.click();
    expect(ui.viewing).toMatchObject({ document: 1, page: 12, turn: 3, at: 3 });
  });

  it('says what is not found, once at the end of a run', () => {
    const body = show(AnswerText, { turn: turn() });
    expect(body.querySelectorAll('.not_found')).toHaveLength(1);
    expect(body.textContent).toContain('Not found in your documents');
  });

  it('says where a source says otherwise, with a mark to it', () => {
    const body = show(AnswerText, { turn: contradicted(begun(6, 'How wide?', 0)) });
    expect(body.querySelector('.wrong')?.textContent).toContain('Source says otherwise');
    expect(body.querySelector('.wrong button.mark')?.getAttribute('aria-label')).toContain('contradicts this sentence');
  });

  it('shows words that are not checked yet as unverified', () => {
    const running = { ...begun(9, 'x', 0), answer: turn().answer.slice(0, 60), sentences: turn().sentences.slice(0, 1), sources: turn().sources };
    const body = show(AnswerText, { turn: running });
    expect(body.querySelector('.unchecked')?.textContent).toContain('The fire strategy');
    expect(body.querySelector('.caret')).not.toBeNull();
  });

  it('never draws markup that a model wrote', () => {
    const body = show(AnswerText, { turn: { ...turn(), answer: '<img src=x onerror=alert(1)>', sentences: [] } });
    expect(body.querySelector('img')).toBeNull();
    expect(body.textContent).toContain('<img');
  });
});

describe('a turn', () => {
  it('is a heading, with its confidence as a sentence', async () => {
    const body = show(TurnView, { turn: turn(), last: true, wide: true });
    await tick();
    expect(body.querySelector('h2')?.textContent).toBe('Does it meet the width?');
    expect(body.textContent).toContain('High confidence.');
    expect(body.textContent).toContain('5 of 6 sentences match their source');
    expect(body.querySelector('.ticks')?.getAttribute('aria-hidden')).toBe('true');
    expect(body.textContent).toContain('0 bytes left this machine');
  });

  it('offers ways on where the documents do not say', () => {
    const body = show(TurnView, { turn: abstained(begun(4, 'How many nurses?', 0)), last: true, wide: true });
    expect(body.textContent).toContain('Half of this is not in your documents.');
    expect([...body.querySelectorAll('button')].map((button) => button.textContent?.trim())).toEqual(expect.arrayContaining(['Add a file', 'Answer anyway']));
  });

  it('carries no marks in general knowledge', () => {
    const body = show(TurnView, { turn: general(begun(4, 'x', 0)), last: true, wide: true });
    expect(body.querySelectorAll('.mark')).toHaveLength(0);
    expect(body.textContent).toContain('General knowledge only');
  });
});

describe('commands', () => {
  it('are typed at the very start, documents after an at sign', () => {
    expect(typing('/re', 3)).toEqual({ kind: 'command', from: 0, words: 're' });
    expect(typing('what is 1/2', 11)).toBeNull();
    expect(typing('compare @fire str', 17)).toEqual({ kind: 'document', from: 8, words: 'fire str' });
    expect(typing('mail me@home', 12)).toBeNull();
    expect(typing('@', 1)).toEqual({ kind: 'document', from: 0, words: '' });
  });

  it('are known by name only', () => {
    expect(parse('/remember widths are clear')).toEqual({ name: 'remember', rest: 'widths are clear' });
    expect(parse('/nothing here')).toBeNull();
    expect(parse('a /trace')).toBeNull();
  });
});

describe('an answer handed to a person', () => {
  const asked = { id: 1, turn: 9, conversation: 1, space: 1, question: 'How many nurses?', said: '', why: '', assigned: 'Ada Stern', opened_ms: 0, label: 'internal' as const, job: null };

  it('is offered where the documents do not say, and not twice', () => {
    const alone = abstained(begun(9, 'How many nurses?', 0));
    const body = show(TurnView, { turn: alone, last: true, wide: true });
    expect(body.textContent).toContain('Hand it to a person');
  });

  it('says who is to look at it', () => {
    const review = { ...asked, state: 'open' as const, answer: null, answered_by: null, answered_ms: null, document: null };
    const body = show(TurnView, { turn: { ...abstained(begun(9, 'How many nurses?', 0)), review }, last: true, wide: true });
    expect(body.textContent).toContain('Waits for Ada Stern.');
    expect(body.textContent).not.toContain('Hand it to a person');
  });

  it('shows the person’s answer beside its own, and the document that it became', () => {
    const review = { ...asked, state: 'answered' as const, answer: 'Eleven nurses.', answered_by: 'Ada Stern', answered_ms: 1, document: 6 };
    const body = show(TurnView, { turn: { ...abstained(begun(9, 'How many nurses?', 0)), review }, last: true, wide: true });
    const person = body.querySelector('section.person');
    expect(person?.textContent).toContain('Ada Stern answered');
    expect(person?.querySelector('blockquote')?.textContent).toBe('Eleven nurses.');
    person?.querySelector<HTMLButtonElement>('button')?.click();
    expect(ui.viewing?.document).toBe(6);
  });
});

describe('a command that there is none of', () => {
  it('is named, with those there are; a path or a question is none', () => {
    expect(unknown('/table What are the sales?')).toBe('table');
    expect(unknown('/Übersicht')).toBe('Übersicht');
    expect(unknown('/summarise it')).toBeNull();
    expect(unknown('/etc/hosts: what is it?')).toBeNull();
    expect(unknown('What is 3/table?')).toBeNull();
    expect(unknownWords('table')).toContain('There is no command /table. There are /summarise,');
  });
});
