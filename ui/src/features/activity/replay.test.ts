// What is shown of a replay.
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../core/save';
import { inputsInOrder, sides, tone } from './replay';

describe('two answers side by side', () => {
  it('are cut where they part', () => {
    const call = { before: 'It is dark red now.', now: 'It is blue.', difference: { token: 3, at: 6, before: 'dark red now.', now: 'blue.' } };
    expect(sides(call)).toEqual({ before: { same: 'It is ', other: 'dark red now.' }, now: { same: 'It is ', other: 'blue.' } });
  });

  it('are one text where nothing differs', () => {
    expect(sides({ before: 'It is red.', now: 'It is red.', difference: null }).now).toEqual({ same: 'It is red.', other: '' });
  });
});

describe('inputs', () => {
  it('that changed stand first', () => {
    const input = (name: string, same: boolean) => ({ name, before: 'a', now: same ? 'a' : 'b', same });
    expect(inputsInOrder([input('kernel', true), input('threads', false)]).map((one) => one.name)).toEqual(['threads', 'kernel']);
  });

  it('give a verdict its tone', () => {
    expect([tone('same'), tone('differs'), tone('in_part'), tone('not_run')]).toEqual(['ok', 'danger', 'warn', 'warn']);
  });
});

it('a file that was made comes as the bytes it has', () => {
  expect([...bytesOf({ base64: btoa('%PDF\u00ff') })]).toEqual([0x25, 0x50, 0x44, 0x46, 0xff]);
});
