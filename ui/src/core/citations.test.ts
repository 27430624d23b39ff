// What citations promises.
import { describe, expect, it } from 'vitest';
import { citationsOf, leadEnd, markName, marksOf, placeOf, sourcesCount, tail, withSources } from './citations';
import { answered, begun, CORRIDOR, general } from './fake/turns';

const turn = answered(begun(1, 'Does it meet the width?', 0));

describe('citations', () => {
  it('come in reading order, one mark for each source of a sentence', () => {
    expect(citationsOf(turn).map((one) => [one.sentence, one.source])).toEqual([[0, 1], [0, 3], [1, 1], [1, 2], [2, 3], [3, 3], [4, 4]]);
    const twice = { ...CORRIDOR.sentences[0]!, citations: [...CORRIDOR.sentences[0]!.citations, ...CORRIDOR.sentences[0]!.citations] };
    expect(marksOf(twice)).toHaveLength(2);
  });

  it('are the quotes where no sentence cites', () => {
    const quoted = { ...turn, sentences: [] };
    expect(citationsOf(quoted).map((one) => one.source)).toEqual([1, 3]);
  });

  it('are found at their own sentence, though two cite the same words', () => {
    const cited = turn.sentences[1]!.citations[0]!;
    expect(placeOf(turn, cited, 1)).toBe(2);
    expect(placeOf(turn, cited)).toBe(0);
  });

  it('are named for a screen reader', () => {
    expect(markName(1, turn.sources[0], 'supported')).toBe('Citation 1, Fire Strategy Report, page 14, supports this sentence');
    expect(markName(2, undefined, 'contradicted')).toBe('Citation 2, contradicts this sentence');
  });

  it('quote words that stand in the page', () => {
    for (const citation of citationsOf(turn)) expect(citation.at.end - citation.at.start).toBe(citation.text.length);
  });
});

describe('sources', () => {
  it('are counted by page and by document', () => {
    expect(sourcesCount(turn.sources)).toEqual({ pages: 4, documents: 3 });
  });

  it('travel with a copied answer', () => {
    const copied = withSources(turn);
    expect(copied).toContain('Not along its whole length. [1][3]');
    expect(copied).toContain('[4] DS-01 Door Schedule, sheet Level 3, row 4');
    expect(withSources(general(begun(2, 'x', 0)))).not.toContain('[');
  });
});

describe('words', () => {
  it('shortens a sentence to its end', () => {
    expect(tail('Short.')).toBe('Short');
    expect(tail('The fire strategy asks for 2,150 mm clear between handrails on every bed-evacuation route.', 40)).toMatch(/^…[\w-].*bed-evacuation route$/);
  });

  it.each([
    ['Not along its whole length. The rest', 27],
    ['No end in sight', 0],
    ['1. First item is here', 0],
    [`${'long '.repeat(30)}. Next`, 0],
    ['Only one sentence.', 0],
  ])('finds a short lead: %j', (text, end) => expect(leadEnd(text)).toBe(end));
});
