// Policy text and rule sentences, cut into what is set strong and what is not. Pure.
import type { GridCell, Label } from '../../core/bindings';
import { LABEL, LABELS, plural } from '../../core/format';

const WORDS = '\\b(?:rule \\d+|permit|forbid|when|unless|and|or|allow|ask|deny)\\b';

/** Policy text in pieces; keywords are strong, quoted text never is. */
export function keywords(text: string): { text: string; strong: boolean }[] {
  const keyword = new RegExp(`^${WORDS}$`);
  return text
    .split(new RegExp(`(${WORDS}|"[^"\\n]*")`))
    .filter(Boolean)
    .map((piece) => ({ text: piece, strong: keyword.test(piece) }));
}

const NAMES = [...LABELS.map((label: Label) => LABEL[label]), 'this machine', 'Local only', 'never', 'nothing'];

/** A rule's sentence in pieces; what it is about is strong. */
export function emphasis(sentence: string): { text: string; strong: boolean }[] {
  const names = new RegExp(`\\b(${NAMES.join('|')})\\b`, 'i');
  const labels = new RegExp(`\\b(${[...LABELS.map((label) => LABEL[label]), 'this machine', 'Local only'].join('|')})\\b`);
  const by = labels.test(sentence) ? labels : names;
  const match = by.exec(sentence);
  if (!match) return [{ text: sentence, strong: false }];
  const start = match.index;
  const end = start + match[0].length;
  return [
    { text: sentence.slice(0, start), strong: false },
    { text: sentence.slice(start, end), strong: true },
    { text: sentence.slice(end), strong: false },
  ].filter((piece) => piece.text);
}

/** How often a rule decided. */
export function appliedWords(applied: number): string {
  return applied === 0 ? 'Not applied since Hearth was started.' : `Applied ${plural(applied, 'time')} since Hearth was started.`;
}

/** A cell's word, as it is read. */
export const CELL: Record<GridCell, string> = { allow: 'Allowed', ask: 'Ask', deny: 'Never' };
