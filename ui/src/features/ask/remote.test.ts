// What is shown of a preview is its text, to the letter.
import { describe, expect, it } from 'vitest';
import type { RemotePiece, Redaction } from '../../core/bindings';
import { parts } from './remote';

const piece = (name: string, start: number, end: number): RemotePiece => ({ name, title: '', label: 'internal', start, end });
const bar = (placeholder: string, text: string, by_rule = true): Redaction => ({ placeholder, kind: placeholder.slice(1, -3), by_rule, start: text.indexOf(placeholder), end: text.indexOf(placeholder) + placeholder.length });

describe('the text that would leave', () => {
  it('is taken apart and loses nothing', () => {
    const text = '[1]\nSigned by [Person 1].\n\nQuestion: Who is [Email 1]?';
    const pieces = [piece('Question', text.indexOf('Who'), text.length), piece('Passage 1 of 1', 4, 25)];
    const redactions = [bar('[Email 1]', text, false), bar('[Person 1]', text)];
    const found = parts({ text, pieces, redactions });
    const whole = found.map((part) => (part.kind === 'words' ? part.text : part.kind === 'hidden' ? part.placeholder : '')).join('');
    expect(whole).toBe(text);
    expect(found.filter((part) => part.kind === 'piece').map((part) => part.name)).toEqual(['Passage 1 of 1', 'Question']);
    expect(found.filter((part) => part.kind === 'hidden').map((part) => [part.words, part.byRule])).toEqual([['person', true], ['email', false]]);
  });

  it('may be one piece or none', () => {
    expect(parts({ text: 'abc', pieces: [], redactions: [] })).toEqual([{ kind: 'words', text: 'abc' }]);
    expect(parts({ text: '', pieces: [piece('Question', 0, 0)], redactions: [] })).toHaveLength(1);
  });
});
