// What fit promises.
import { describe, expect, it } from 'vitest';
import type { Fit, MemoryPart, Model } from '../../core/bindings';
import { contextChoices, downloadWords, findModels, fitWords, goodAt, measuredWords, memoryWords, ofSize, perSecond, replaceModel, shortfall, stretches, usedByHearth } from './fit';

const GB = 2 ** 30;
const fit: Fit = { level: 'runs_well', per_second: 31, measured: true, needs_bytes: 10 * GB, measured_bytes: null, short_bytes: 0 };

function model(id: string, more: Partial<Model> = {}): Model {
  return {
    id,
    name: `Model ${id}`,
    quantization: 'Q4_K_M',
    size_bytes: 1e9,
    size_about: false,
    roles: ['chat'],
    licence: 'Apache-2.0',
    n_ctx: 8192,
    context: null,
    fit,
    computed_bytes: 10 * GB,
    measured: null,
    place: '',
    elsewhere: null,
    state: { kind: 'absent' },
    unsupported: null,
    ...more,
  };
}

describe('fit', () => {
  it('says a measured speed plainly and an estimated one with about', () => {
    expect(fitWords(fit, ['chat'])).toEqual({ level: 'Runs well', aside: '31 tok/s' });
    expect(fitWords({ ...fit, measured: false }, ['chat']).aside).toBe('about 31 tok/s');
  });
  it('says what is missing where it will not fit', () => {
    const over: Fit = { level: 'will_not_fit', per_second: null, measured: false, needs_bytes: 46 * GB, measured_bytes: null, short_bytes: 14 * GB };
    expect(fitWords(over, ['chat'])).toEqual({ level: 'Will not fit', aside: 'needs 46.0 GB' });
    expect(shortfall(over)).toBe('Needs 14.0 GB more');
  });
  it('says nothing of a speed that is not known', () => {
    expect(fitWords({ ...fit, per_second: null, level: 'tight' }, ['chat'])).toEqual({ level: 'Tight', aside: '' });
  });
  it('counts passages for a model that embeds', () => {
    expect(perSecond(['embed'], 940)).toBe('940 passages/s');
    expect(perSecond(['embed'], 940, true)).toBe('940/s');
    expect(perSecond(['chat', 'embed'], 4.25)).toMatch(/^4[.,]3 tok\/s$/);
    expect(goodAt(['chat', 'vision'])).toBe('Chat, vision');
  });
});

describe('measured', () => {
  const measured = { at_ms: Date.UTC(2026, 2, 3, 12), machine: '2 cores, AVX2, 24 GB', load_ms: 340, reads_per_second: 812, per_second: 61, peak_bytes: 400e6, place: 'CPU, AVX2' };
  it('tells speeds, readiness and place, and passages for a model that reads them', () => {
    expect(measuredWords(model('a', { measured }))).toMatch(/^Reads 812 tok\/s, writes 61 tok\/s, ready in 0[.,]3 s\. On CPU, AVX2, /);
    expect(measuredWords(model('b', { measured: { ...measured, reads_per_second: null }, roles: ['embed'] }))).toMatch(/^61 passages\/s, ready/);
    expect(measuredWords(model('c'))).toContain('from the answers');
    expect(measuredWords(model('d', { fit: { ...fit, measured: false } }))).toContain('estimated');
  });
  it('sets what was measured beside what was computed', () => {
    expect(memoryWords(model('a', { computed_bytes: 500e6 }))).toBe('Needs 500 MB by its numbers.');
    const both = model('a', { computed_bytes: 500e6, measured, fit: { ...fit, needs_bytes: 450e6, measured_bytes: 400e6 } });
    expect(memoryWords(both)).toBe('Needs 500 MB by its numbers, was measured to take 400 MB; with 4k of context 450 MB.');
  });
  it('offers contexts up to its own, and what was chosen', () => {
    expect(contextChoices({ n_ctx: 8192, context: null })).toEqual([null, 2048, 4096, 8192]);
    expect(contextChoices({ n_ctx: 8192, context: 3000 })).toEqual([null, 2048, 3000, 4096, 8192]);
    expect(contextChoices({ n_ctx: 512, context: null })).toEqual([null]);
  });
});

describe('downloads', () => {
  it('tells share, size and time left', () => {
    const words = downloadWords({ kind: 'downloading', done_bytes: 4.5e9, total_bytes: 7.3e9, bytes_per_second: 7e6 });
    expect(words.words).toBe('61%, 4.5 of 7.3 GB');
    expect(words.aside).toBe('about 7 min left');
    expect(words.share).toBeCloseTo(0.616, 3);
  });
  it('tells why it stands, and survives a total that is not known', () => {
    const error = { code: 'unavailable', message: 'No network.', hint: null } as const;
    expect(downloadWords({ kind: 'paused', done_bytes: 0, total_bytes: 0, error })).toEqual({ share: 0, words: '0%, stopped', aside: 'No network.' });
  });
  it('names a unit twice only where they differ', () => {
    expect(ofSize(512e6, 7.3e9)).toBe('512 MB of 7.3 GB');
  });
});

describe('memory bar', () => {
  const memory: MemoryPart[] = [
    { kind: 'core', name: 'Index', bytes: 2 * GB, note: '' },
    { kind: 'model', name: 'M', bytes: 6 * GB, note: '' },
    { kind: 'others', name: 'Other apps', bytes: 4 * GB, note: '' },
    { kind: 'free', name: 'Free', bytes: 99 * GB, note: 'enough' },
  ];
  it('is drawn to scale and ends with what is free', () => {
    const all = stretches(memory, 16 * GB);
    expect(all.map((one) => one.share)).toEqual([0.125, 0.375, 0.25, 0.25]);
    expect(all.at(-1)).toMatchObject({ start: 0.75, part: { kind: 'free', bytes: 4 * GB, note: 'enough' } });
  });
  it('never draws past its end when more is used than there is', () => {
    const all = stretches([{ kind: 'others', name: 'Other apps', bytes: 20 * GB, note: '' }], 16 * GB);
    expect(all).toHaveLength(1);
    expect(all[0]?.share).toBe(1);
  });
  it('counts only what is Hearth’s', () => {
    expect(usedByHearth(memory)).toBe(8 * GB);
  });
});

describe('lists', () => {
  it('finds by name, licence and use, all words at once', () => {
    const list = [model('a', { roles: ['embed'] }), model('b', { licence: 'MIT' })];
    expect(findModels(list, 'mit chat').map((one) => one.id)).toEqual(['b']);
    expect(findModels(list, '  ')).toHaveLength(2);
  });
  it('replaces in place, or says that it is not there', () => {
    const next = model('a', { name: 'New' });
    expect(replaceModel([model('a'), model('b')], next)?.[0]).toBe(next);
    expect(replaceModel([model('b')], next)).toBeNull();
  });
});
