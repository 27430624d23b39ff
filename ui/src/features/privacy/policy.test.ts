// What policy promises.
import { describe, expect, it } from 'vitest';
import { appliedWords, composeRule, emphasis, keywords } from './policy';

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
  it('makes a rule from choices', () => {
    expect(composeRule('export', 'forbid', 'restricted')).toBe(
      '@name("never: export, when Restricted")\n@sentence("What is Restricted is never exported.")\nforbid (principal, action == Action::"export", resource)\nwhen { context.label == "restricted" };',
    );
    expect(composeRule('send', 'ask', 'always')).toContain('@ask("Send to a model elsewhere")\npermit (');
  });
  it('counts how often a rule decided', () => {
    expect([0, 1, 14].map(appliedWords)).toEqual(['Not applied since Hearth was started.', 'Applied 1 time since Hearth was started.', 'Applied 14 times since Hearth was started.']);
  });
});
