// Which models the first run offers. Pure.
import type { Model } from '../../core/bindings';

const ORDER = { runs_well: 0, slower: 1, tight: 2, will_not_fit: 3 } as const;

/** Chat models of the catalogue that fit this machine and that Hearth can run: the largest that runs well first. */
export function offered(catalogue: readonly Model[], most = 3): Model[] {
  return catalogue
    .filter((model) => model.roles.includes('chat') && !model.unsupported && model.fit.level !== 'will_not_fit')
    .sort((a, b) => ORDER[a.fit.level] - ORDER[b.fit.level] || b.size_bytes - a.size_bytes)
    .slice(0, most);
}

/** The chat model that came with Hearth, or was put here since: loaded ones first, then the largest. */
export function included(installed: readonly Model[]): Model | null {
  return (
    installed
      .filter((model) => model.roles.includes('chat') && !model.unsupported)
      .sort((a, b) => Number(b.state.kind === 'loaded') - Number(a.state.kind === 'loaded') || b.size_bytes - a.size_bytes)[0] ?? null
  );
}

/** Speed in words: "about 31 tokens a second". */
export function speedWords(model: Model): string {
  const value = model.fit.per_second;
  if (value === null) return '';
  return `${model.fit.measured ? '' : 'about '}${value < 10 ? value.toLocaleString(undefined, { maximumFractionDigits: 1 }) : Math.round(value).toLocaleString()} tokens a second`;
}

/** Why one would take it, beside the others that are offered. */
export function describe(model: Model, list: readonly Model[]): string {
  if (model.fit.level === 'tight') return 'needs most of the memory';
  if (model.fit.level === 'slower') return 'good answers, slower here';
  const largest = Math.max(...list.filter((one) => one.fit.level === 'runs_well').map((one) => one.size_bytes));
  return model.size_bytes >= largest ? 'best answers that run well here' : 'lighter, leaves room for large apps';
}
