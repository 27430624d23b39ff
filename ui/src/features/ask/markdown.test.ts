// What a saved conversation promises.
import { describe, expect, it } from 'vitest';
import { answered, begun, contradicted } from '../../core/fake/turns';
import { bytesOf, textFile } from '../../core/save';
import { fileName, highest, markdownOf, plain, turnMarkdown } from './markdown';

describe('a conversation as Markdown', () => {
  const turn = answered(begun(3, 'Does it meet the width?', 0));

  it('has the question, the quotes, the answer with its marks, what was not found, and the sources', () => {
    const text = markdownOf({ id: 1, space: 1, title: 'Corridor width', turns: [turn] });
    expect(text).toMatch(/^# Corridor width\n\n## Does it meet the width\?\n/);
    expect(text).toContain('> “Corridors forming part of a bed-evacuation route');
    expect(text).toContain('Not along its whole length. [1][3]');
    expect(text).toContain('*(not found in the documents)*');
    expect(text).toContain('High confidence. 5 of 6 sentences match their source.');
    expect(text).toContain('- [1] Fire Strategy Report, version 3, page 14. Confidential.');
    expect(text).toContain('0 bytes left the machine');
    expect(highest([turn])).toBe('confidential');
  });

  it('says where a source says otherwise', () => {
    expect(turnMarkdown(contradicted(begun(6, 'How wide?', 0)))).toMatch(/\*\(.*\)\*/);
  });

  it('keeps signs of Markdown and HTML as words, and lines as lines', () => {
    expect(plain('# a <b>*c*\n1. d\n- e')).toBe('\\# a \\<b\\>\\*c\\*  \n1\\. d  \n\\- e');
  });

  it('is a file that keeps every letter, under a name that every system takes', () => {
    const file = textFile(fileName('A/B: “ß” und 10 €?.'), 'text/markdown', 'ß, €, 漢');
    expect(file.name).toBe('A B “ß” und 10 €.md');
    expect(new TextDecoder().decode(bytesOf(file))).toBe('ß, €, 漢');
    expect(fileName('///')).toBe('Conversation.md');
  });
});
