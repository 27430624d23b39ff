// What waterfall promises.
import { describe, expect, it } from 'vitest';
import type { Station } from '../../core/bindings';
import { axisOf, barOf, keywords, opens, seal, stepFor, tickLabel, timeWords } from './waterfall';
import type { AuditEntry } from '../../core/bindings';
import { asSentence, detailRows, groupOf, mergeEntries, parts } from './words';

function station(start_ms: number, took_ms: number, more: Partial<Station> = {}): Station {
  return { name: 'Route', outcome: 'done', sentence: '', aside: '', start_ms, took_ms, mark_ms: null, decision: null, weighed: [], record: null, ...more };
}

describe('axis', () => {
  it('steps by 1, 2 or 5, with few ticks', () => {
    expect(stepFor(5900)).toBe(1000);
    expect(stepFor(9000)).toBe(2000);
    expect(stepFor(240)).toBe(50);
    for (const total of [1, 17, 333, 4321, 65_000, 900_000]) expect(Math.floor(total / stepFor(total)) + 1).toBeLessThanOrEqual(7);
  });
  it('holds every station that ran, and no skipped one', () => {
    const stations = [station(0, 4), station(240, 5500), station(9999, 9999, { outcome: 'skipped' })];
    const axis = axisOf(stations);
    expect(axis.full_ms).toBeCloseTo(5912.2, 1);
    expect(axis.ticks.map((tick) => tick.label)).toEqual(['0', '1 s', '2 s', '3 s', '4 s', '5 s']);
    expect(barOf(stations[2] as Station, axis)).toBeNull();
  });
  it('draws bars to scale, within the axis', () => {
    const axis = { full_ms: 1000, ticks: [] };
    expect(barOf(station(250, 500, { mark_ms: 600 }), axis)).toEqual({ start: 0.25, width: 0.5, mark: 0.6 });
    expect(barOf(station(900, 5000), axis)).toEqual({ start: 0.9, width: expect.closeTo(0.1), mark: null });
  });
  it('survives a turn that took no time', () => {
    expect(axisOf([]).full_ms).toBe(1);
    expect(barOf(station(0, 0), axisOf([station(0, 0)]))).toEqual({ start: 0, width: 0, mark: null });
  });
  it('writes times with their units', () => {
    expect(timeWords(4)).toBe('4 ms');
    expect(timeWords(0.31)).toMatch(/^0[.,]3 ms$/);
    expect(timeWords(0)).toBe('0 ms');
    expect(timeWords(5500)).toMatch(/^5[.,]5 s$/);
    expect(timeWords(125_000)).toBe('2 min 5 s');
    expect(tickLabel(500, 100)).toMatch(/^0[.,]5 s$/);
    expect(tickLabel(50, 10)).toBe('50 ms');
  });
});

describe('rows', () => {
  it('open only where there is more', () => {
    expect(opens(station(0, 1))).toBe(false);
    expect(opens(station(0, 1, { weighed: ['x'] }))).toBe(true);
  });
  it('cut policy text at its keywords, never inside quotes', () => {
    expect(keywords('rule 1 forbid send\n when x == "allow"').filter((piece) => piece.strong).map((piece) => piece.text)).toEqual(['rule 1', 'forbid', 'when']);
    expect(keywords('allowed ordering').some((piece) => piece.strong)).toBe(false);
  });
  it('shorten a seal and keep a short one', () => {
    expect(seal('9f2c51d83b1e07a41ab0e07a41ab')).toBe('9f2c 51d8 … e07a 41ab');
    expect(seal('9f2c51d8')).toBe('9f2c 51d8');
    expect(seal('')).toBe('');
  });
});

describe('words', () => {
  it('split a sentence into its lead and the rest, whether it begins with it or not', () => {
    expect(parts({ kind: 'document.indexed', sentence: 'Indexed A-103' })).toEqual({ lead: 'Indexed', rest: 'A-103' });
    expect(parts({ kind: 'turn.answered', sentence: 'How wide?' })).toEqual({ lead: 'Answered', rest: 'How wide?' });
    expect(parts({ kind: 'unknown.kind', sentence: 'Rebuilt the index' })).toEqual({ lead: 'Rebuilt', rest: 'the index' });
  });
  it('keep a sentence that says its lead in its own way', () => {
    expect(parts({ kind: 'document.restored', sentence: 'Put A-103 back' })).toEqual({ lead: 'Put', rest: 'A-103 back' });
    expect(parts({ kind: 'vault.unlocked', sentence: 'Vault opened' })).toEqual({ lead: 'Unlocked', rest: 'Vault opened' });
  });
  it('join pages without a gap or a double', () => {
    const entry = (seq: number, sentence = '') => ({ seq, sentence }) as AuditEntry;
    const joined = mergeEntries([entry(3, 'old'), entry(1)], [entry(4), entry(3, 'new')]);
    expect(joined.map((one) => one.seq)).toEqual([4, 3, 1]);
    expect(joined[1]?.sentence).toBe('new');
    expect(asSentence('its words were changed')).toBe('Its words were changed.');
    expect(asSentence('Done.')).toBe('Done.');
  });
  it('say that an entry was erased', () => {
    expect(parts({ kind: 'memory.kept', sentence: '' }).lead).toBe('Erased');
  });
  it('group kinds', () => {
    expect(groupOf('turn.answered')).toBe('answers');
    expect(groupOf('turn.refused')).toBe('rules');
    expect(groupOf('refused')).toBe('rules');
    expect(groupOf('vault.locked')).toBe('vault');
  });
  it('read the detail, and survive text that is no object', () => {
    expect(detailRows('{"took_ms":5,"empty":null,"list":[],"hash":"ab"}')).toEqual([
      { name: 'Took ms', value: '5' },
      { name: 'Hash', value: 'ab' },
    ]);
    expect(detailRows('not json')).toEqual([{ name: 'Recorded', value: 'not json' }]);
    expect(detailRows('[1]')).toEqual([{ name: 'Recorded', value: '[1]' }]);
    expect(detailRows(null)).toEqual([]);
  });
});
