// Amounts as people type them.
import { describe, expect, it } from 'vitest';
import { amountOf } from './providers';

describe('an amount', () => {
  it('is a number, nothing, or refused', () => {
    expect([' $1.50', '0,25', '3', ''].map(amountOf)).toEqual([1.5, 0.25, 3, null]);
    expect(['much', '-1', '1e9', '1.2.3'].map(amountOf)).toEqual([undefined, undefined, undefined, undefined]);
  });
});
