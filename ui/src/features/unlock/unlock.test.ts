// What unlock promises.
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../core/bindings';
import { agree } from './agree';
import { reasons } from './reasons';

describe('a new passphrase', () => {
  it('is long enough and typed twice alike', () => {
    expect(agree('', '')).toBe('Write a passphrase.');
    expect(agree('seven77', 'seven77')).toMatch(/at least 8/);
    expect(agree('long enough', 'long enouhg')).toBe('The two are not the same.');
    expect(agree('long enough', 'long enough')).toBeNull();
    // Characters, not units: four emoji are four.
    expect(agree('🔥🔥🔥🔥', '🔥🔥🔥🔥')).toMatch(/at least 8/);
  });
});

describe('a vault that cannot be opened', () => {
  it('says what is safe, for every reason', () => {
    const codes: ErrorCode[] = ['newer_file', 'in_use', 'damaged', 'disk_full', 'not_found', 'internal'];
    const titles = codes.map((code) => reasons({ code }).title);
    expect(new Set(titles).size).toBe(codes.length);
    for (const code of codes) expect(reasons({ code }).safe.length).toBeGreaterThan(20);
  });
});
