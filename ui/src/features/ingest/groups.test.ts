// What groups promises.
import { describe, expect, it } from 'vitest';
import { jobs } from '../../core/fake/more';
import { about, grouped, headline, overall, stepState, titleOf } from './groups';

const all = jobs(0);

describe('groups', () => {
  it('are those that need a person, those on the way, those that are ready', () => {
    const groups = grouped(all);
    expect(headline(groups)).toBe('Three ready, three on the way, three need you');
    expect(groups.onTheWay.map((job) => job.state)).toEqual(['running', 'running', 'waiting']);
    expect(headline(grouped(all.slice(0, 1)))).toBe('One needs you');
  });

  it('word a file by its kind and size', () => {
    expect(about(all[0]!)).toBe('PDF, 40 pages, 61 MB');
    expect(about(all[6]!)).toBe('PDF, 62 pages. Replaces version 2');
    expect(titleOf(all[3]!)).toBe('DS-01 Door Schedule');
    expect(titleOf({ ...all[3]!, kind: null, name: 'notes.v2' })).toBe('notes.v2');
  });
});

describe('steps', () => {
  it('fail where the file stopped, and keep what was done', () => {
    const stopped = all[2]!;
    expect(stepState(stopped, 'read').is).toBe('done');
    expect(stepState(stopped, 'embed').is).toBe('failed');
    expect(stepState(stopped, 'index').is).toBe('waiting');
  });

  it('show the share of the step under way', () => {
    expect(stepState(all[3]!, 'embed')).toEqual({ is: 'now', share: 321 / 412 });
    expect(overall([all[6]!])).toBe(1);
    expect(overall([all[5]!])).toBe(0);
  });
});
