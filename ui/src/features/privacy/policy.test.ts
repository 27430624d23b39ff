// What policy promises.
import { describe, expect, it } from 'vitest';
import { appliedWords, emphasis, keywords } from './policy';

describe('policy text', () => {
  it('sets keywords strong and loses nothing', () => {
    const text = 'forbid (action == "permit") when { label >= "confidential" };';
    expect(keywords(text).map((piece) => piece.text).join('')).toBe(text);
    expect(keywords(text).filter((piece) => piece.strong).map((piece) => piece.text)).toEqual(['forbid', 'when']);
  });
  it('sets strong what a rule is about', () => {
    expect(emphasis('Send nothing labelled Restricted, ever.').find((piece) => piece.strong)?.text).toBe('Restricted');
    expect(emphasis('Fetch models.')).toEqual([{ text: 'Fetch models.', strong: false }]);
  });
  it('counts how often a rule decided', () => {
    expect([0, 1, 14].map(appliedWords)).toEqual(['Not applied since Hearth was started.', 'Applied 1 time since Hearth was started.', 'Applied 14 times since Hearth was started.']);
  });
});
