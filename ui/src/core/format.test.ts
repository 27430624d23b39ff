// What format promises.
import { describe, expect, it } from 'vitest';
import * as format from './format';
import { CORRIDOR } from './fake/turns';

const NOW = new Date(2026, 10, 22, 17, 30).getTime();
const DAY = 86_400_000;

describe('sizes', () => {
  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [9999, '9,999 bytes'],
    [10_000, '10 KB'],
    [1_400_000, '1.4 MB'],
    [61_000_000, '61 MB'],
  ])('bytes(%i)', (value, words) => expect(format.bytes(value)).toBe(words));

  it('writes memory in GB with one decimal', () => {
    expect(format.memoryOf(13.4 * 2 ** 30, 32 * 2 ** 30)).toBe('13.4 of 32 GB');
  });

  it('never says that bytes left when none did', () => {
    expect(format.bytesOut(0)).toBe('0 bytes left this machine today');
    expect(format.bytesOut(0, true)).toBe('0 bytes left today');
    expect(format.bytesOut(479)).toBe('479 bytes left today');
  });
});

describe('times', () => {
  it.each([
    [240, '0.24 s'],
    [994, '0.99 s'],
    [5900, '5.9 s'],
    [59_940, '59.9 s'],
    [125_000, '2 min 5 s'],
    [7_260_000, '2 h 1 min'],
  ])('took(%i)', (ms, words) => expect(format.took(ms)).toBe(words));

  it('never says 60 seconds', () => expect(format.took(59_990)).toBe('1 min'));

  it('groups days as people speak of them', () => {
    expect(format.dayGroup(NOW - 1000, NOW)).toBe('Today');
    expect(format.dayGroup(NOW - DAY, NOW)).toBe('Yesterday');
    expect(format.dayGroup(NOW - 4 * DAY, NOW)).toBe('Last week');
    expect(format.dayGroup(new Date(2026, 2, 3).getTime(), NOW)).toBe('March');
    expect(format.dayGroup(new Date(2025, 2, 3).getTime(), NOW)).toBe('March 2025');
  });

  it('writes a moment with its clock', () => {
    expect(format.moment(new Date(2026, 10, 21, 17, 20).getTime(), NOW)).toBe('yesterday, 17:20');
    expect(format.moment(new Date(2026, 2, 12, 9, 5).getTime(), NOW)).toBe('12 March, 09:05');
  });
});

describe('speed', () => {
  it.each([
    [31.4, '31 tok/s'],
    [4.25, '4.3 tok/s'],
  ])('%f', (value, words) => expect(format.speed(value)).toBe(words));
});

describe('confidence', () => {
  it('counts sentences that claim something, each once', () => {
    expect(format.ticks(CORRIDOR.sentences)).toEqual(['supported', 'supported', 'supported', 'supported', 'supported', 'not_found']);
    expect(format.matched(CORRIDOR.sentences)).toBe('5 of 6 sentences match their source');
  });

  it('says what is contradicted and what holds in part', () => {
    const sentence = (state: 'supported' | 'contradicted' | 'partly' | null) => ({ start: 0, end: 1, state, citations: [], note: null });
    expect(format.matched([sentence('supported'), sentence('contradicted'), sentence(null)])).toBe('1 of 2 sentences matches its source, 1 is contradicted');
    expect(format.matched([sentence('partly')])).toBe('0 of 1 sentence matches its source, 1 does in part');
    expect(format.matched([sentence('supported'), sentence('supported'), sentence('partly')])).toBe('2 of 3 sentences match their source, 1 does in part');
  });
});

describe('vault', () => {
  it('says when it locks', () => {
    expect(format.vaultState({ kind: 'open', passphrase: true, device: false, locks_at_ms: NOW + 24 * 60_000 }, NOW)).toBe('Vault open, locks in 24 min');
    expect(format.vaultState({ kind: 'open', passphrase: true, device: false, locks_at_ms: NOW + 24 * 60_000 }, NOW, true)).toBe('Locks in 24 min');
    expect(format.vaultState({ kind: 'open', passphrase: true, device: false, locks_at_ms: null }, NOW)).toBe('Vault open');
  });
});

describe('what is checked so far', () => {
  const sentence = (state: 'supported' | 'not_found') => ({ start: 0, end: 1, state, citations: [], note: null });

  it('counts what was checked, and says what was found', () => {
    expect(format.checkedSoFar([])).toBe('Each sentence is checked as it ends');
    expect(format.checkedSoFar([sentence('not_found')])).toBe('1 checked so far, not found in a source');
    expect(format.checkedSoFar([sentence('supported')])).toBe('1 checked so far, and found in a source');
    expect(format.checkedSoFar([sentence('supported'), sentence('not_found')])).toBe('2 checked so far, 1 found in a source');
    expect(format.checkedSoFar([sentence('supported'), sentence('supported')])).toBe('2 checked so far, all found in a source');
  });
});
