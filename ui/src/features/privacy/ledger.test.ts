// What the ledger's words promise.
import { expect, it } from 'vitest';
import { outcomeWords, purposeWords, ruleWords } from './ledger';

it('says purposes, rules and ends in words', () => {
  expect(purposeWords('remote_answer')).toBe('Answer from a stronger model');
  expect(purposeWords('something_new')).toBe('Something new');
  expect(ruleWords('sending asks', [])).toBe('Sent after you said yes');
  expect(ruleWords('mine', [{ number: 4, name: 'mine', sentence: 'Plans stay.' }])).toBe('Rule 4: Plans stay.');
  expect(ruleWords('no-plans', [])).toBe('No plans');
  expect(outcomeWords('done, 200')).toBe('Done');
  expect(outcomeWords('stopped, 404')).toBe('Stopped, the server answered 404');
  expect(outcomeWords('failed: no route')).toBe('Failed: no route');
});
