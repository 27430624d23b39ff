// A page's text as the viewer draws it: blocks, rows gathered into tables, and each stretch lit or not.
import type { BlockView, Span } from '../../core/bindings';

export type Light = 'none' | 'rest' | 'active' | 'found' | 'found-active';

export interface Piece {
  text: string;
  light: Light;
}

export interface Mark {
  start: number;
  end: number;
  light: Light;
}

const STRENGTH: Record<Light, number> = { none: 0, rest: 1, found: 2, 'found-active': 3, active: 4 };

/** Cuts a stretch of text where marks begin and end; where marks overlap the stronger light wins. */
export function pieces(text: string, start: number, end: number, marks: Mark[]): Piece[] {
  const cuts = new Set([start, end]);
  for (const mark of marks) {
    if (mark.start > start && mark.start < end) cuts.add(mark.start);
    if (mark.end > start && mark.end < end) cuts.add(mark.end);
  }
  const at = [...cuts].sort((a, b) => a - b);
  const found: Piece[] = [];
  for (let index = 0; index + 1 < at.length; index++) {
    const from = at[index] ?? start;
    const to = at[index + 1] ?? end;
    let light: Light = 'none';
    for (const mark of marks) {
      if (mark.start <= from && mark.end >= to && STRENGTH[mark.light] > STRENGTH[light]) light = mark.light;
    }
    found.push({ text: text.slice(from, to), light });
  }
  return found;
}

export interface Cell {
  pieces: Piece[];
}

export type Drawn =
  | { is: 'heading' | 'paragraph' | 'item' | 'code' | 'furniture' | 'note'; level: number; pieces: Piece[]; key: number }
  | { is: 'table'; key: number; rows: { header: boolean; cell: string | null; cells: Cell[]; key: number }[]; columns: number };

/** The blocks of a page, ready to draw. Text outside every block is drawn as paragraphs. */
export function drawn(text: string, blocks: BlockView[], marks: Mark[]): Drawn[] {
  const found: Drawn[] = [];
  const loose = (from: number, to: number) => {
    if (text.slice(from, to).trim()) found.push({ is: 'paragraph', level: 0, pieces: pieces(text, from, to, marks), key: from });
  };
  let done = 0;
  for (const block of blocks) {
    if (block.start > done) loose(done, block.start);
    done = Math.max(done, block.end);
    if (block.kind === 'row' || block.kind === 'header_row') {
      const cells: Cell[] = [];
      let at = block.start;
      for (const words of text.slice(block.start, block.end).split('\t')) {
        cells.push({ pieces: pieces(text, at, at + words.length, marks) });
        at += words.length + 1;
      }
      const row = { header: block.kind === 'header_row', cell: block.cell, cells, key: block.start };
      const last = found.at(-1);
      if (last?.is === 'table') {
        last.rows.push(row);
        last.columns = Math.max(last.columns, cells.length);
      } else {
        found.push({ is: 'table', key: block.start, rows: [row], columns: cells.length });
      }
    } else {
      found.push({ is: block.kind, level: block.level, pieces: pieces(text, block.start, block.end, marks), key: block.start });
    }
  }
  if (done < text.length) loose(done, text.length);
  return found;
}

/** Whether two spans are the same stretch. */
export function same(a: Span | null, b: Span | null): boolean {
  return a !== null && b !== null && a.version === b.version && a.page === b.page && a.start === b.start && a.end === b.end;
}

/** A text in pieces, those at `marks` (pairs of UTF-16 offsets, in order) marked. */
export function parted(text: string, marks: readonly (readonly [number, number])[]): { text: string; marked: boolean }[] {
  const parts: { text: string; marked: boolean }[] = [];
  let from = 0;
  for (const [start, end] of marks) {
    if (start > from) parts.push({ text: text.slice(from, start), marked: false });
    if (end > Math.max(start, from)) parts.push({ text: text.slice(Math.max(start, from), end), marked: true });
    from = Math.max(from, end);
  }
  if (from < text.length) parts.push({ text: text.slice(from), marked: false });
  return parts;
}
