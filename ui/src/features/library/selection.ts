// Which rows are selected: one by a click or J and K, several by Shift, Ctrl and X. Pure.

export interface Selection {
  /** Selected keys, in no order. */
  readonly keys: readonly string[];
  /** The row that the keyboard is at. */
  readonly cursor: string | null;
  /** Where a stretch began. */
  readonly anchor: string | null;
}

export const NONE: Selection = { keys: [], cursor: null, anchor: null };

/** One row alone. */
export function selectOne(key: string): Selection {
  return { keys: [key], cursor: key, anchor: key };
}

/** Adds a row, or takes it out. */
export function toggle(selection: Selection, key: string): Selection {
  const keys = selection.keys.includes(key) ? selection.keys.filter((other) => other !== key) : [...selection.keys, key];
  return { keys, cursor: key, anchor: key };
}

/** All rows from where the stretch began. */
export function stretch(selection: Selection, key: string, order: readonly string[]): Selection {
  const from = selection.anchor === null ? -1 : order.indexOf(selection.anchor);
  const to = order.indexOf(key);
  if (from < 0 || to < 0) return selectOne(key);
  const keys = order.slice(Math.min(from, to), Math.max(from, to) + 1);
  return { keys, cursor: key, anchor: selection.anchor };
}

/** Moves the keyboard's row; several selected ones are kept, a single one moves along. */
export function move(selection: Selection, step: number, order: readonly string[], stretching = false): Selection {
  if (order.length === 0) return NONE;
  const at = selection.cursor === null ? -1 : order.indexOf(selection.cursor);
  const next = at < 0 ? (step > 0 ? 0 : order.length - 1) : Math.max(0, Math.min(order.length - 1, at + step));
  const key = order[next] as string;
  if (stretching) return stretch(selection, key, order);
  if (selection.keys.length > 1) return { ...selection, cursor: key };
  return selectOne(key);
}

/** Lets go of rows that are no longer there; the cursor stays near where it was. */
export function keep(selection: Selection, order: readonly string[], before: readonly string[] = []): Selection {
  const here = new Set(order);
  const keys = selection.keys.filter((key) => here.has(key));
  if (selection.cursor !== null && !here.has(selection.cursor)) {
    const at = before.indexOf(selection.cursor);
    const near = at >= 0 ? (order[Math.min(at, order.length - 1)] ?? null) : null;
    return { keys, cursor: near, anchor: near };
  }
  return keys.length === selection.keys.length ? selection : { ...selection, keys };
}
