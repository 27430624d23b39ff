// What pace promises.
import { describe, expect, it } from 'vitest';
import { jobs } from './fake/more';
import { left } from './format';
import { amountOf, paced, type Amount, type Pace } from './pace';

/** Looks every two seconds at work that `done` tells of; what was told, by second. */
function follow(seconds: number, done: (second: number) => Amount | null): (number | null)[] {
  let pace: Pace | null = null;
  const told: (number | null)[] = [];
  for (let second = 0; second <= seconds; second += 2) {
    pace = paced(pace, done(second), second * 1000);
    told.push(pace?.told ?? null);
  }
  return told;
}

const at = (told: (number | null)[], second: number) => told[second / 2];
/** Changes of what is told. */
const turns = (told: (number | null)[]) => told.filter((one, index) => index > 0 && one !== told[index - 1]).length;

describe('time left', () => {
  it('is unknown before ten seconds and before anything was done', () => {
    const told = follow(20, (second) => ({ done: second, total: 300 }));
    expect(told.slice(0, 5)).toEqual([null, null, null, null, null]);
    expect(at(told, 10)).toBe(5 * 60_000);
    expect(follow(60, () => ({ done: 4, total: 10 })).every((one) => one === null)).toBe(true);
  });

  it('goes down to less than a minute, a minute at a time, and ends with the work', () => {
    const told = follow(300, (second) => ({ done: second, total: 300 }));
    expect(turns(told)).toBeLessThanOrEqual(7);
    expect(told.filter((one) => one !== null)).toEqual([...told.filter((one) => one !== null)].sort((a, b) => b - a));
    expect(at(told, 290)).toBe(0);
    expect(at(told, 300)).toBe(null);
  });

  it('does not jump where work comes in lumps', () => {
    // A file every 14 s.
    const told = follow(560, (second) => ({ done: Math.floor(second / 14), total: 40 }));
    for (const [index, one] of told.entries()) {
      const before = told[index - 1];
      if (before != null && one !== null) expect(Math.abs(one - before)).toBeLessThanOrEqual(5 * 60_000);
    }
    expect(turns(told)).toBeLessThan(24);
    expect(Math.abs((at(told, 280) ?? 0) - 280_000)).toBeLessThanOrEqual(60_000);
  });

  it('follows a change of speed', () => {
    const told = follow(240, (second) => ({ done: second < 60 ? second * 4 : 240 + (second - 60), total: 1200 }));
    expect(at(told, 60)).toBe(4 * 60_000);
    expect(at(told, 240)).toBeGreaterThan(9 * 60_000);
  });

  it('grows with what is added, and does not take what was cleared for work', () => {
    const added = follow(60, (second) => ({ done: second, total: second < 30 ? 180 : 300 }));
    expect(at(added, 60)).toBeGreaterThanOrEqual(3 * 60_000);
    const cleared = follow(60, (second) => (second < 30 ? { done: 100 + second, total: 400 } : { done: second, total: 300 }));
    expect(at(cleared, 60)).toBe(4 * 60_000);
  });

  it('begins anew with other work, and after a sleep', () => {
    expect(at(follow(40, (second) => ({ done: second, total: second < 30 ? 100 : 9000 })), 34)).toBe(null);
    const pace = paced(paced(null, { done: 0, total: 100 }, 0), { done: 20, total: 100 }, 20_000);
    expect(pace?.told).toBe(60_000);
    expect(paced(pace, { done: 21, total: 100 }, 3_600_000)?.told).toBe(null);
  });

  it('is unknown again where nothing moves', () => {
    expect(at(follow(260, (second) => ({ done: Math.min(second, 60), total: 600 })), 260)).toBe(null);
  });
});

describe('the words', () => {
  it.each([
    [0, 'less than a minute left'],
    [60_000, 'about 1 min left'],
    [3.2 * 60_000, 'about 3 min left'],
    [22 * 60_000, 'about 20 min left'],
    [95 * 60_000, 'about 1 h 30 min left'],
    [40 * 3_600_000, 'more than a day left'],
  ])('left(%i)', (ms, words) => expect(left(ms)).toBe(words));
});

describe('files', () => {
  it('count by their size, and by how far they are', () => {
    const all = jobs(0);
    const waiting = all[5]!;
    expect(amountOf([waiting])).toEqual({ done: 0, total: 4_064_000 });
    expect(amountOf([{ ...waiting, state: 'running', step: 'embed', done: 1, total: 2 }])?.done).toBe(2_032_000);
    expect(amountOf([all[6]!, waiting])?.done).toBe(8_064_000);
    // Done, or waiting for a person: nothing is on its way.
    expect(amountOf([all[0]!, all[6]!])).toBe(null);
  });
});
