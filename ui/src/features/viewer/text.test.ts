// What text promises.
import { describe, expect, it } from 'vitest';
import { drawn, pieces, parted } from './text';

describe('pieces', () => {
  const text = 'The corridor is 2,050 mm wide.';

  it('cuts where marks begin and end and loses no letter', () => {
    const found = pieces(text, 0, text.length, [{ start: 16, end: 24, light: 'active' }]);
    expect(found.map((piece) => piece.text).join('')).toBe(text);
    expect(found.find((piece) => piece.light === 'active')?.text).toBe('2,050 mm');
  });

  it('lets the stronger light win where marks overlap', () => {
    const found = pieces(text, 0, text.length, [
      { start: 0, end: 24, light: 'rest' },
      { start: 16, end: 30, light: 'active' },
    ]);
    expect(found.map((piece) => [piece.text, piece.light])).toEqual([
      ['The corridor is ', 'rest'],
      ['2,050 mm', 'active'],
      [' wide.', 'active'],
    ]);
  });

  it('keeps only what lies within the block', () => {
    expect(pieces(text, 4, 12, [{ start: 0, end: 99, light: 'found' }])).toEqual([{ text: 'corridor', light: 'found' }]);
  });
});

describe('drawn', () => {
  it('gathers rows into a table and cuts cells at tabs, marks and all', () => {
    const text = 'Doors\nDoor\tWidth\nD3-14\t1,520';
    const blocks = [
      { kind: 'heading' as const, start: 0, end: 5, level: 1, cell: null },
      { kind: 'header_row' as const, start: 6, end: 16, level: 0, cell: 'A1' },
      { kind: 'row' as const, start: 17, end: 28, level: 0, cell: 'A2' },
    ];
    const [heading, table] = drawn(text, blocks, [{ start: 17, end: 28, light: 'active' }]);
    expect(heading?.is).toBe('heading');
    if (table?.is !== 'table') throw new Error('no table');
    expect(table.columns).toBe(2);
    expect(table.rows.map((row) => row.cells.map((cell) => cell.pieces.map((piece) => piece.text).join('')))).toEqual([['Door', 'Width'], ['D3-14', '1,520']]);
    expect(table.rows[1]?.cells[1]?.pieces[0]?.light).toBe('active');
  });

  it('draws text that no block covers', () => {
    const found = drawn('loose words', [], []);
    expect(found).toHaveLength(1);
    expect(found[0]?.is).toBe('paragraph');
  });
});

describe('parted', () => {
  it('marks stretches and loses nothing', () => {
    const parts = parted('The rent is 900 a month.', [[12, 15], [18, 23]]);
    expect(parts.filter((part) => part.marked).map((part) => part.text)).toEqual(['900', 'month']);
    expect(parts.map((part) => part.text).join('')).toBe('The rent is 900 a month.');
    expect(parted('same', [])).toEqual([{ text: 'same', marked: false }]);
  });
});
