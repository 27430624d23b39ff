// What selection promises.
import { describe, expect, it } from 'vitest';
import { keep, move, NONE, selectOne, stretch, toggle } from './selection';

const order = ['a', 'b', 'c', 'd'];

describe('selection', () => {
  it('moves one along, and stops at the ends', () => {
    expect(move(NONE, 1, order)).toEqual(selectOne('a'));
    expect(move(NONE, -1, order)).toEqual(selectOne('d'));
    expect(move(selectOne('d'), 1, order)).toEqual(selectOne('d'));
  });
  it('stretches from where it began, in both directions', () => {
    const down = stretch(selectOne('b'), 'd', order);
    expect(down.keys).toEqual(['b', 'c', 'd']);
    expect(stretch(down, 'a', order).keys).toEqual(['a', 'b']);
    expect(move(selectOne('b'), 1, order, true).keys).toEqual(['b', 'c']);
  });
  it('adds and takes out; several are kept while moving', () => {
    const two = toggle(selectOne('a'), 'c');
    expect(two.keys).toEqual(['a', 'c']);
    expect(move(two, 1, order)).toMatchObject({ keys: ['a', 'c'], cursor: 'd' });
    expect(toggle(two, 'a').keys).toEqual(['c']);
  });
  it('stays near a row that is gone', () => {
    const after = keep(selectOne('b'), ['a', 'c', 'd'], order);
    expect(after).toEqual({ keys: [], cursor: 'c', anchor: 'c' });
    const same = selectOne('a');
    expect(keep(same, order, order)).toBe(same);
  });
  it('holds nothing in an empty list', () => {
    expect(move(selectOne('a'), 1, [])).toEqual(NONE);
  });
});
