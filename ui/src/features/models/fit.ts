// What the models screen says of a model: how it fits, how a download stands, how memory is shared out. Pure.
import type { Fit, MemoryPart, Model, ModelPresence, Role } from '../../core/bindings';
import { count, FIT, gigabytes, left, size } from '../../core/format';

/** What a model is good at, in the table. */
export const GOOD_AT: Record<Role, string> = {
  chat: 'Chat',
  draft: 'Fast draft',
  code: 'Code',
  embed: 'Embedding',
  rerank: 'Ranking',
  verify: 'Checking',
  vision: 'Vision',
  speech: 'Speech',
  image: 'Images',
};

/** A model's roles as words: "Chat, vision". */
export function goodAt(roles: readonly Role[]): string {
  return roles.map((role, at) => (at === 0 ? GOOD_AT[role] : GOOD_AT[role].toLowerCase())).join(', ');
}

/** What a second brings: tokens, or passages for a model that reads them. */
export function perSecond(roles: readonly Role[], value: number, short = false): string {
  const figure = value < 10 ? value.toLocaleString(undefined, { maximumFractionDigits: 1 }) : count(value);
  const embeds = roles.includes('embed') || roles.includes('rerank') || roles.includes('verify');
  if (embeds && !roles.includes('chat')) return short ? `${figure}/s` : `${figure} passages/s`;
  return `${figure} tok/s`;
}

/** The words beside the fit's bars: the level, and the speed or what is missing. */
export function fitWords(fit: Fit, roles: readonly Role[]): { level: string; aside: string } {
  if (fit.level === 'will_not_fit') return { level: FIT.will_not_fit, aside: `needs ${gigabytes(fit.needs_bytes)} GB` };
  if (fit.per_second === null) return { level: FIT[fit.level], aside: '' };
  return { level: FIT[fit.level], aside: `${fit.measured ? '' : 'about '}${perSecond(roles, fit.per_second, true)}` };
}

/** What is missing: "Needs 14.0 GB more". */
export function shortfall(fit: Fit): string {
  return fit.short_bytes > 0 ? `Needs ${gigabytes(fit.short_bytes)} GB more` : 'Needs more memory';
}

/** A download in words: "62%, 4.5 of 7.3 GB", and what is left of it or why it stands. */
export function downloadWords(state: Extract<ModelPresence, { kind: 'downloading' | 'paused' }>): {
  share: number;
  words: string;
  aside: string;
} {
  const share = state.total_bytes > 0 ? Math.min(1, state.done_bytes / state.total_bytes) : 0;
  const percent = `${Math.floor(share * 100)}%`;
  if (state.kind === 'paused') {
    return { share, words: `${percent}, ${state.error ? 'stopped' : 'paused'}`, aside: state.error?.message ?? '' };
  }
  const rest = state.total_bytes - state.done_bytes;
  const aside = state.bytes_per_second > 0 && rest > 0 ? left((rest / state.bytes_per_second) * 1000) : '';
  return { share, words: `${percent}, ${ofSize(state.done_bytes, state.total_bytes)}`, aside };
}

/** "4.5 of 7.3 GB", with one unit where both have it. */
export function ofSize(done: number, total: number): string {
  const [a, b] = [size(done), size(total)];
  const unit = b.slice(b.lastIndexOf(' '));
  return a.endsWith(unit) ? `${a.slice(0, -unit.length)} of ${b}` : `${a} of ${b}`;
}

export interface Stretch {
  part: MemoryPart;
  /** Of the whole, 0 to 1. */
  share: number;
  /** Share of the bar's length before it. */
  start: number;
}

/** The memory bar: the parts in order, and what is free at the end, to scale. */
export function stretches(memory: readonly MemoryPart[], total: number): Stretch[] {
  if (total <= 0) return [];
  const parts = memory.filter((part) => part.kind !== 'free' && part.bytes > 0);
  const used = parts.reduce((sum, part) => sum + part.bytes, 0);
  const told = memory.find((part) => part.kind === 'free');
  const free = Math.max(0, total - used);
  const whole = Math.max(total, used);
  const found: Stretch[] = [];
  let start = 0;
  for (const part of [...parts, { kind: 'free' as const, name: 'Free', bytes: free, note: told?.note ?? '' }]) {
    const share = part.bytes / whole;
    if (share <= 0) continue;
    found.push({ part, share, start });
    start += share;
  }
  return found;
}

/** What Hearth itself uses of the bar's memory. Bytes. */
export function usedByHearth(memory: readonly MemoryPart[]): number {
  return memory.filter((part) => part.kind === 'core' || part.kind === 'model').reduce((sum, part) => sum + part.bytes, 0);
}

/** Models whose name, quantization, licence or use holds the words. */
export function findModels(models: readonly Model[], words: string): Model[] {
  const asked = words.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (asked.length === 0) return [...models];
  return models.filter((model) => {
    const text = `${model.name} ${model.quantization} ${model.licence} ${goodAt(model.roles)}`.toLowerCase();
    return asked.every((word) => text.includes(word));
  });
}

/** Models after one changed: in place, or `null` when it moved between the lists. */
export function replaceModel(models: readonly Model[], next: Model): Model[] | null {
  const at = models.findIndex((model) => model.id === next.id);
  if (at < 0) return null;
  const list = [...models];
  list[at] = next;
  return list;
}

/** Whether a state belongs to the installed ones. */
export function isInstalled(state: ModelPresence): boolean {
  return state.kind === 'installed' || state.kind === 'loaded' || state.kind === 'damaged';
}

/** Tokens of context that the fit counts where nobody chose. */
const USUAL_CONTEXT = 4096;

/** Whether a model writes answers; others read passages. */
export function writesText(roles: readonly Role[]): boolean {
  return roles.includes('chat') || roles.includes('code') || roles.includes('draft');
}

/** What a short run of a model gave: "Reads 812, writes 61 tok/s, ready in 0.3 s. 3 March". */
export function measuredWords(model: Pick<Model, 'measured' | 'roles' | 'fit'>): string {
  const { measured, fit } = model;
  if (!measured) return fit.measured ? 'Not yet. Its speed is from the answers it wrote.' : 'Not yet. Its speed is estimated.';
  const reads = measured.reads_per_second === null ? '' : `Reads ${count(measured.reads_per_second)} tok/s, writes `;
  const ready = (measured.load_ms / 1e3).toLocaleString(undefined, { maximumFractionDigits: measured.load_ms < 10_000 ? 1 : 0 });
  const day = new Date(measured.at_ms).toLocaleDateString(undefined, { day: 'numeric', month: 'long' });
  return `${reads}${perSecond(model.roles, measured.per_second)}, ready in ${ready} s. On ${measured.place}, ${day}.`;
}

/** What a model needs: by its numbers, and what it was measured to take. */
export function memoryWords(model: Pick<Model, 'computed_bytes' | 'measured' | 'fit' | 'context' | 'n_ctx'>): string {
  const computed = `Needs ${size(model.computed_bytes)} by its numbers`;
  if (!model.measured) return `${computed}.`;
  const counted = contextWords(model.context ?? Math.min(model.n_ctx, USUAL_CONTEXT));
  const more = model.fit.needs_bytes - model.measured.peak_bytes >= 1e6 ? `; with ${counted} ${size(model.fit.needs_bytes)}` : '';
  return `${computed}, was measured to take ${size(model.measured.peak_bytes)}${more}.`;
}

/** Contexts to choose from: its own, then powers of two up to its own. */
export function contextChoices(model: Pick<Model, 'n_ctx' | 'context'>): (number | null)[] {
  const most = model.n_ctx > 0 ? model.n_ctx : 32_768;
  const steps: number[] = [];
  for (let tokens = 2048; tokens <= most; tokens *= 2) steps.push(tokens);
  if (model.context !== null && !steps.includes(model.context)) steps.push(model.context);
  return [null, ...steps.sort((a, b) => a - b)];
}

/** Context in words: "8k of context". */
export function contextWords(tokens: number): string {
  return tokens >= 1024 ? `${Math.round(tokens / 1024)}k of context` : `${count(tokens)} tokens of context`;
}
