// What firstrun promises.
import { describe, expect, it } from 'vitest';
import type { Model } from '../../core/bindings';
import { describe as why, included, offered } from './choices';
import { strength, strengthWords } from './strength';

function model(id: string, size: number, level: Model['fit']['level'], more: Partial<Model> = {}): Model {
  return {
    id,
    name: id,
    quantization: 'Q4_K_M',
    size_bytes: size,
    size_about: false,
    roles: ['chat'],
    licence: 'MIT',
    n_ctx: 8192,
    context: null,
    computed_bytes: size,
    measured: null,
    place: '',
    elsewhere: null,
    fit: { level, per_second: 10, measured: false, needs_bytes: size, measured_bytes: null, short_bytes: 0 },
    state: { kind: 'absent' },
    unsupported: null,
    ...more,
  };
}

describe('strength', () => {
  it('says that short and common ones are easy to guess', () => {
    expect(strength('')).toBe(0);
    expect(strength('short')).toBe(1);
    expect(strength('password1234')).toBe(1);
    expect(strength('aaaaaaaaaaaaaaaaaaaa')).toBe(1);
    expect(strengthWords('short')).toBe('At least 8 characters.');
  });
  it('rises with words and with characters', () => {
    expect(strength('correct horse battery staple lantern')).toBe(4);
    expect(strength('T7#kq9!vR2&mzW')).toBeGreaterThanOrEqual(3);
    expect(strength('maple river')).toBeLessThan(strength('maple river lantern cloud'));
  });
});

describe('models offered', () => {
  const list = [
    model('huge', 40e9, 'will_not_fit'),
    model('tight', 14e9, 'tight'),
    model('small', 3e9, 'runs_well'),
    model('best', 9e9, 'runs_well'),
    model('other', 1e9, 'runs_well', { roles: ['embed'] }),
    model('strange', 2e9, 'runs_well', { unsupported: 'Its shape is not known.' }),
  ];
  it('fit, can run, and answer; the largest that runs well first', () => {
    expect(offered(list).map((one) => one.id)).toEqual(['best', 'small', 'tight']);
    expect(offered(list).map((one) => why(one, offered(list)))).toEqual([
      'best answers that run well here',
      'lighter, leaves room for large apps',
      'needs most of the memory',
    ]);
  });
  it('stand beside the included one', () => {
    const here = [model('big', 9e9, 'runs_well', { state: { kind: 'installed' } }), model('tiny', 1e8, 'runs_well', { state: { kind: 'loaded' } })];
    expect(included(here)?.id).toBe('tiny');
    expect(included([])).toBeNull();
  });
});
