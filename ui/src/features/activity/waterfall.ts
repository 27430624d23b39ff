// A turn's stations on one time axis, and the words around them. Pure.
import type { Outcome, Station } from '../../core/bindings';
import { count } from '../../core/format';

export interface Axis {
  /** What the axis holds, in ms; its right end. */
  full_ms: number;
  ticks: { at_ms: number; share: number; label: string }[];
}

const MOST_TICKS = 7;

/** A step of 1, 2 or 5 times a power of ten that gives few enough ticks. */
export function stepFor(total_ms: number, most = MOST_TICKS): number {
  if (total_ms <= 0) return 1;
  let power = 1;
  for (;;) {
    for (const factor of [1, 2, 5]) {
      const step = factor * power;
      if (Math.floor(total_ms / step) + 1 <= most) return step;
    }
    power *= 10;
  }
}

/** A tick's words: "0", "200 ms", "1 s", "0.5 s" and "2 min" on a long one. */
export function tickLabel(ms: number, step: number): string {
  if (ms === 0) return '0';
  if (step >= 60_000) return `${count(ms / 60_000)} min`;
  if (step >= 1000) return `${count(ms / 1000)} s`;
  if (step >= 100) return `${(ms / 1000).toLocaleString(undefined, { maximumFractionDigits: 1 })} s`;
  return `${count(ms)} ms`;
}

/** The axis that holds every station, with a little room at its end. */
export function axisOf(stations: readonly Station[]): Axis {
  const end = stations.reduce((most, station) => (station.outcome === 'skipped' ? most : Math.max(most, station.start_ms + station.took_ms)), 0);
  const full_ms = Math.max(1, end * 1.03);
  const step = stepFor(full_ms);
  const ticks = [];
  for (let at = 0; at < full_ms; at += step) ticks.push({ at_ms: at, share: at / full_ms, label: tickLabel(at, step) });
  return { full_ms, ticks };
}

/** Where a station's bar lies, in shares of the axis; none for one that did not run. */
export function barOf(station: Station, axis: Axis): { start: number; width: number; mark: number | null } | null {
  if (station.outcome === 'skipped') return null;
  const start = Math.min(1, Math.max(0, station.start_ms / axis.full_ms));
  const width = Math.min(1 - start, Math.max(0, station.took_ms / axis.full_ms));
  const mark = station.mark_ms === null ? null : Math.min(1, Math.max(0, station.mark_ms / axis.full_ms));
  return { start, width, mark };
}

/** A station's time as the record writes it: "4 ms", "168 ms", "5.5 s". */
export function timeWords(ms: number): string {
  if (ms > 0 && ms < 0.95) return `${ms.toLocaleString(undefined, { maximumFractionDigits: 1 })} ms`;
  if (ms < 1000) return `${count(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toLocaleString(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 })} s`;
  return `${count(Math.floor(ms / 60_000))} min ${count(Math.floor((ms % 60_000) / 1000))} s`;
}

/** How a station went, in a word. */
export const OUTCOME: Record<Outcome, string> = {
  done: 'Done',
  partly: 'In part',
  refused: 'Refused',
  failed: 'Failed',
  skipped: 'Not needed',
  running: 'Running',
};

/** Whether a row has more to show. */
export function opens(station: Station): boolean {
  return station.decision !== null || station.weighed.length > 0 || station.record !== null;
}

/** A seal, short enough to compare by eye: "9f2c 51d8 … e07a 41ab". */
export function seal(hash: string): string {
  if (hash.length <= 20) return hash.replace(/(.{4})(?=.)/g, '$1 ');
  const [head, tail] = [hash.slice(0, 8), hash.slice(-8)];
  return `${head.slice(0, 4)} ${head.slice(4)} … ${tail.slice(0, 4)} ${tail.slice(4)}`;
}

const KEYWORD = /^(rule \d+|permit|forbid|when|unless|and|or|allow|ask|deny)\b/;

/** Policy text cut into its keywords and the rest, so that keywords can be set strong. */
export function keywords(text: string): { text: string; strong: boolean }[] {
  const found: { text: string; strong: boolean }[] = [];
  for (const piece of text.split(/(\brule \d+\b|\b(?:permit|forbid|when|unless|and|or|allow|ask|deny)\b|"[^"\n]*")/)) {
    if (piece) found.push({ text: piece, strong: !piece.startsWith('"') && KEYWORD.test(piece) });
  }
  return found;
}
