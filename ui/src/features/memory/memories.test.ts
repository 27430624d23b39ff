// What memories promises.
import { describe, expect, it } from 'vitest';
import type { Memory } from '../../core/bindings';
import { groups, usedWords } from './memories';

const memory = (id: number, text: string, space: number | null): Memory => ({
  id,
  space,
  text,
  learnt: 'You asked',
  label: 'internal',
  created_ms: id * 1000,
  used: 0,
  last_used_ms: null,
  paused: false,
});

describe('memories', () => {
  const all = [memory(1, 'Widths in millimetres', 1), memory(2, 'British spelling', null), memory(3, 'Ward 3B stays open', 1)];
  it('are grouped by where they are used, newest first', () => {
    const found = groups(all);
    expect(found.here.map((one) => one.id)).toEqual([3, 1]);
    expect(found.everywhere.map((one) => one.id)).toEqual([2]);
  });
  it('are found by all the words', () => {
    expect(groups(all, 'OPEN ward').here.map((one) => one.id)).toEqual([3]);
    expect(groups(all, 'open widths').here).toEqual([]);
  });
  it('say how often they were used', () => {
    expect([0, 1, 2, 11].map(usedWords)).toEqual(['Not used yet', 'Used once', 'Used twice', 'Used 11 times']);
  });
});
