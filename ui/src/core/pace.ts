// How long work that counts itself still takes: from how much was done in which time, smoothed. Pure: times are passed in.
import type { Job } from './bindings';

/** How much of something is done; the unit is its own. */
export interface Amount {
  done: number;
  total: number;
}

/** What is known of the speed of one piece of work. Times in ms. */
export interface Pace extends Amount {
  /** When it was first seen, what was left then, and what was done since. */
  since: number;
  due: number;
  seen: number;
  /** When it was last looked at, and when it last moved. */
  at: number;
  moved: number;
  /** Done in `passed`; what is long ago counts little in both. */
  worked: number;
  passed: number;
  /** Time left, smoothed; none while unknown. */
  left: number | null;
  /** Time left as it is told; moves in steps. */
  told: number | null;
}

const MINUTE = 60_000;
/** Nothing is told before this long, and before this share of the work was seen done. */
const FIRST_MS = 10_000;
const FIRST_SHARE = 0.01;
/** Not looked at for longer, a machine slept or the vault was locked: it begins anew. */
const GONE_MS = MINUTE;
/** Without a move for longer, the time left is unknown. */
const STILL_MS = 2 * MINUTE;
/** How quickly the time left follows a change of speed. */
const FOLLOW_MS = 15_000;

/** What a person is told: minutes, then fives of minutes, then half hours. */
function step(ms: number): number {
  return ms < 10 * MINUTE ? MINUTE : ms < 60 * MINUTE ? 5 * MINUTE : 30 * MINUTE;
}

/** A time left as it is told; 0 is less than a minute. */
export function rounded(ms: number): number {
  return Math.round(ms / step(ms)) * step(ms);
}

/** The pace after another look at the work; none where there is none. */
export function paced(before: Pace | null, now: Amount | null, at: number): Pace | null {
  if (!now || now.done >= now.total) return null;
  const gone = before ? at - before.at : 0;
  // A total that is suddenly another is other work.
  if (!before || gone < 0 || gone > GONE_MS || now.total > before.total * 2 || now.total < before.total / 2) {
    return { ...now, since: at, due: now.total - now.done, seen: 0, at, moved: at, worked: 0, passed: 0, left: null, told: null };
  }
  const more = Math.max(0, now.done - before.done);
  // The last minute counts, or the last third of a longer time.
  const fade = Math.exp(-gone / Math.max(MINUTE, (at - before.since) / 3));
  const next = { ...before, ...now, at, seen: before.seen + more, moved: more > 0 ? at : before.moved, worked: before.worked * fade + more, passed: before.passed * fade + gone };
  if (at - next.since < FIRST_MS || next.seen < next.due * FIRST_SHARE || next.seen === 0 || at - next.moved > STILL_MS) return { ...next, left: null, told: null };
  const measured = ((now.total - now.done) * next.passed) / next.worked;
  const waited = before.left === null ? measured : Math.max(0, before.left - gone);
  const left = waited + (measured - waited) * (1 - Math.exp(-gone / FOLLOW_MS));
  const near = before.told !== null && Math.abs(left - before.told) < 0.7 * step(Math.max(left, before.told));
  return { ...next, left, told: near ? before.told : rounded(left) };
}

const STEPS: Job['step'][] = ['read', 'embed', 'index'];
/** What a file costs however small it is, in bytes of a larger one. */
const EACH_BYTES = 64_000;

/** Files as one amount, by their sizes: small ones are read first, so a count of files would promise too much. None where
 * no file is on its way. */
export function amountOf(jobs: readonly Job[]): Amount | null {
  let [done, total, moving] = [0, 0, 0];
  for (const job of jobs) {
    if (job.state !== 'done' && job.state !== 'running' && job.state !== 'waiting') continue;
    const weight = job.size_bytes + EACH_BYTES;
    const here = job.total > 0 ? Math.min(1, job.done / job.total) : 0;
    total += weight;
    done += weight * (job.state === 'done' ? 1 : (STEPS.indexOf(job.step) + here) / STEPS.length);
    if (job.state !== 'done') moving++;
  }
  return moving > 0 ? { done, total } : null;
}
