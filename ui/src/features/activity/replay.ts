// Two answers side by side, and what a replay says of its inputs. Pure.
import type { Replay, ReplayCall, ReplayInput } from '../../core/bindings';

/** A text cut where another begins to differ from it. */
export interface Side {
  same: string;
  other: string;
}

/** Then and now, each cut at the first word that is another. */
export function sides(call: Pick<ReplayCall, 'before' | 'now' | 'difference'>): { before: Side; now: Side } {
  const at = call.difference?.at ?? null;
  const cut = (text: string): Side => (at === null ? { same: text, other: '' } : { same: text.slice(0, at), other: text.slice(at) });
  return { before: cut(call.before), now: cut(call.now) };
}

/** The inputs that are not as they were, first; then the others. */
export function inputsInOrder(inputs: readonly ReplayInput[]): ReplayInput[] {
  return [...inputs.filter((input) => !input.same), ...inputs.filter((input) => input.same)];
}

/** The tone of a verdict. */
export function tone(verdict: Replay['verdict']): 'ok' | 'warn' | 'danger' {
  if (verdict === 'same') return 'ok';
  return verdict === 'differs' ? 'danger' : 'warn';
}
