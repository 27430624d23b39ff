// What palette promises.
import { describe, expect, it } from 'vitest';
import type { Hits } from '../../core/bindings';
import { CLOSED, findCommands, inSight, join, marksIn, merge, pieces, reduce, rowsOf, type Command } from './palette';

function hits(more: Partial<Hits> = {}): Hits {
  return { passages: [], conversations: [], documents: [], took_ms: 5, ...more };
}
const passage = (text: string, score: number) => ({ text, marks: [], document: 1, title: 'T', place: 'page 1', at: { version: 1, page: 0, start: 0, end: 1 }, score });

describe('reducer', () => {
  it('drops a reply to words that have changed since', () => {
    const first = reduce(CLOSED, { kind: 'type', text: 'cor' });
    const second = reduce(first, { kind: 'type', text: 'corr' });
    expect(reduce(second, { kind: 'reply', round: first.round, hits: hits() })).toBe(second);
    expect(reduce(second, { kind: 'reply', round: second.round, hits: hits() })).toMatchObject({ answered: 'corr' });
  });
  it('keeps what is on screen while typing on, and clears it with the words', () => {
    const shown = reduce(reduce(CLOSED, { kind: 'type', text: 'a' }), { kind: 'reply', round: 1, hits: hits() });
    expect(reduce(shown, { kind: 'type', text: 'ab' }).hits).not.toBeNull();
    expect(reduce(shown, { kind: 'type', text: '' }).hits).toBeNull();
  });
  it('drops late replies of another scope', () => {
    const asked = reduce(CLOSED, { kind: 'type', text: 'a' });
    const rescoped = reduce(asked, { kind: 'rescope' });
    expect(reduce(rescoped, { kind: 'reply', round: asked.round, hits: hits() }).hits).toBeNull();
  });
  it('goes around the ends, and back to the first with new words', () => {
    expect(reduce(CLOSED, { kind: 'move', step: -1, rows: 3 }).at).toBe(2);
    const moved = reduce({ ...CLOSED, at: 2 }, { kind: 'move', step: 1, rows: 3 });
    expect(moved.at).toBe(0);
    expect(reduce({ ...CLOSED, at: 2 }, { kind: 'type', text: 'x' }).at).toBe(0);
    expect(reduce(CLOSED, { kind: 'move', step: 1, rows: 0 }).at).toBe(0);
  });
});

describe('rows', () => {
  it('stand in the order of the screen, with asking before commands', () => {
    const command: Command = { id: 'lock', label: 'Lock the vault', aside: '' };
    const rows = rowsOf(hits({ passages: [passage('x', 1)], documents: [{ document: 4, title: 'D', kind: 'pdf' }] }), 'x', [command]);
    expect(rows.map((row) => row.kind)).toEqual(['passage', 'document', 'ask', 'command']);
    expect(rowsOf(null, '  ', [command]).map((row) => row.kind)).toEqual(['command']);
  });
  it('of several spaces are merged, best passages first', () => {
    const merged = merge([hits({ passages: [passage('low', 0.2)], took_ms: 9 }), hits({ passages: [passage('high', 0.9)] })], 1);
    expect(merged.passages.map((one) => one.text)).toEqual(['high']);
    expect(merged.took_ms).toBe(9);
  });
});

describe('commands', () => {
  const commands: Command[] = [
    { id: 'a', label: 'Add files', aside: 'Ctrl U', also: 'import' },
    { id: 'l', label: 'Lock the vault', aside: '' },
    { id: 'f', label: 'Files on the way', aside: 'Library' },
  ];
  it('are found by the beginnings of all words, also by their other names', () => {
    expect(findCommands(commands, 'imp', 9).map((one) => one.id)).toEqual(['a']);
    expect(findCommands(commands, 'vault lock', 9).map((one) => one.id)).toEqual(['l']);
    expect(findCommands(commands, 'nothing', 9)).toEqual([]);
  });
  it('that begin with the words come first', () => {
    expect(findCommands(commands, 'files', 9).map((one) => one.id)).toEqual(['f', 'a']);
  });
});

describe('marks', () => {
  it('find the beginnings of words, without regard to case and accents', () => {
    expect(marksIn('Café corridor', 'CAFE')).toEqual([[0, 4]]);
    expect(marksIn('midcorridor', 'corridor')).toEqual([]);
    expect(marksIn('anything', 'a')).toEqual([]);
  });
  it('are joined where they overlap, and cut the text whole', () => {
    expect(join([[5, 8], [1, 3], [2, 6]])).toEqual([[1, 8]]);
    const cut = pieces('the ward corridor', [[4, 8], [9, 99]]);
    expect(cut.map((piece) => piece.text).join('')).toBe('the ward corridor');
    expect(cut.filter((piece) => piece.marked).map((piece) => piece.text)).toEqual(['ward', 'corridor']);
  });
  it('come into sight in a long line', () => {
    const text = `${'word '.repeat(30)}corridor end`;
    const at = text.indexOf('corridor');
    const shown = inSight(text, [[at, at + 8]]);
    const [mark] = shown.marks;
    expect(shown.text.startsWith('…')).toBe(true);
    expect(shown.text.slice(mark?.[0], mark?.[1])).toBe('corridor');
    expect(mark?.[0]).toBeLessThan(60);
  });
});
