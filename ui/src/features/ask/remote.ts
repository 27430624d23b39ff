// The text that would leave, taken apart for the eye: headings of its pieces, words, and bars where something is hidden. Put
// together again the parts are the text, to the letter.
import type { Label, RemotePreview } from '../../core/bindings';

export type Part =
  | { kind: 'piece'; name: string; label: Label }
  | { kind: 'words'; text: string }
  | { kind: 'hidden'; words: string; placeholder: string; byRule: boolean };

/** The parts in order. */
export function parts(preview: Pick<RemotePreview, 'text' | 'pieces' | 'redactions'>): Part[] {
  const { text, pieces, redactions } = preview;
  const found: Part[] = [];
  const heads = [...pieces].sort((a, b) => a.start - b.start);
  const bars = [...redactions].sort((a, b) => a.start - b.start);
  let at = 0;
  const words = (end: number) => {
    if (end > at) found.push({ kind: 'words', text: text.slice(at, end) });
    at = Math.max(at, end);
  };
  while (at < text.length || heads.length > 0) {
    const head = heads[0];
    const bar = bars[0];
    if (head && (!bar || head.start <= bar.start)) {
      words(head.start);
      found.push({ kind: 'piece', name: head.name, label: head.label });
      heads.shift();
    } else if (bar) {
      words(bar.start);
      found.push({ kind: 'hidden', words: bar.kind.toLocaleLowerCase(), placeholder: bar.placeholder, byRule: bar.by_rule });
      at = Math.max(at, bar.end);
      bars.shift();
    } else {
      words(text.length);
    }
  }
  return found;
}
