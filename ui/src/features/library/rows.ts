// What the library's table shows, in which order, and what its words are. Pure.
import type { DocumentRow, DocumentStatus, ImportStep, Kind, Label, WatchedFolder } from '../../core/bindings';
import { clock, KIND, LABELS, pagesOf, plural } from '../../core/format';

export type Sort = 'indexed' | 'title' | 'label' | 'size' | 'status';
export type Show = 'all' | 'need';

/** The orders of the menu, and their words. */
export const SORTS: { id: Sort; label: string }[] = [
  { id: 'indexed', label: 'Last indexed' },
  { id: 'title', label: 'Title' },
  { id: 'label', label: 'Label' },
  { id: 'status', label: 'Status' },
  { id: 'size', label: 'Size' },
];

export interface Filters {
  show: Show;
  labels: readonly Label[];
  kinds: readonly Kind[];
  /** The watched folder whose documents alone are wanted. */
  folder?: number | null;
}

/** What names a row: its document, or the file that has not become one. */
export function rowKey(row: DocumentRow): string {
  return row.id === null ? `j${row.job ?? row.name}` : `d${row.id}`;
}

/** Whether a file waits for a person. */
export function needsYou(row: DocumentRow): boolean {
  return row.status.kind === 'failed';
}

/** The rows that pass. */
export function filterRows(rows: readonly DocumentRow[], filters: Filters): DocumentRow[] {
  return rows.filter(
    (row) =>
      (filters.show === 'all' || needsYou(row)) &&
      (filters.folder == null || row.watched === filters.folder) &&
      (filters.labels.length === 0 || filters.labels.includes(row.label)) &&
      (filters.kinds.length === 0 || (row.kind !== null && filters.kinds.includes(row.kind))),
  );
}

const STATUS_ORDER: Record<DocumentStatus['kind'], number> = { failed: 0, working: 1, waiting: 2, indexed: 3, removed: 4 };
const words = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** The rows in an order; equal ones by title. Files not indexed yet come before the newest. */
export function sortRows(rows: readonly DocumentRow[], sort: Sort): DocumentRow[] {
  const title = (a: DocumentRow, b: DocumentRow) => words.compare(a.title, b.title);
  const by: Record<Sort, (a: DocumentRow, b: DocumentRow) => number> = {
    indexed: (a, b) => (b.indexed_ms ?? Infinity) - (a.indexed_ms ?? Infinity) || 0,
    title: () => 0,
    label: (a, b) => LABELS.indexOf(b.label) - LABELS.indexOf(a.label),
    status: (a, b) => STATUS_ORDER[a.status.kind] - STATUS_ORDER[b.status.kind],
    size: (a, b) => b.size_bytes - a.size_bytes,
  };
  return [...rows].sort((a, b) => by[sort](a, b) || title(a, b));
}

/** How many rows there are of each label. */
export function countLabels(rows: readonly DocumentRow[]): Record<Label, number> {
  const found: Record<Label, number> = { public: 0, internal: 0, confidential: 0, restricted: 0 };
  for (const row of rows) found[row.label]++;
  return found;
}

/** The kinds that are there, most frequent first. */
export function countKinds(rows: readonly DocumentRow[]): { kind: Kind; count: number }[] {
  const found = new Map<Kind, number>();
  for (const row of rows) if (row.kind) found.set(row.kind, (found.get(row.kind) ?? 0) + 1);
  return [...found]
    .map(([kind, count]) => ({ kind, count }))
    .sort((a, b) => b.count - a.count || words.compare(KIND[a.kind], KIND[b.kind]));
}

const STEP: Record<ImportStep, string> = { read: 'Reading', embed: 'Embedding', index: 'Indexing' };

interface Words {
  tone: 'ok' | 'working' | 'danger' | 'none';
  words: string;
  share: number | null;
}

/** How a row stands, as the table shows it: that another document replaces it, or nearly repeats it, says more than that it
 * is indexed. */
export function standingWords(row: DocumentRow): Words {
  if (row.status.kind === 'indexed' && row.later) return { tone: 'none', words: 'Earlier revision', share: null };
  if (row.status.kind === 'indexed' && row.near) return { tone: 'ok', words: 'Near-duplicate', share: null };
  return statusWords(row.status);
}

/** A status as the table shows it. */
export function statusWords(status: DocumentStatus): Words {
  switch (status.kind) {
    case 'indexed':
      return { tone: 'ok', words: 'Indexed', share: null };
    case 'working':
      return { tone: 'working', words: STEP[status.step], share: status.share };
    case 'waiting':
      return { tone: 'none', words: 'Waiting', share: null };
    case 'failed':
      return { tone: 'danger', words: status.title, share: null };
    case 'removed':
      return { tone: 'none', words: 'Removed', share: null };
  }
}

/** How a watched folder stands, in the few words that fit below its name. */
export function watchWords(folder: WatchedFolder): { text: string; warn: boolean } {
  switch (folder.state) {
    case 'not_reachable':
      return { text: 'Not reachable', warn: true };
    case 'too_many':
      return { text: 'Too many files', warn: true };
    case 'paused':
      return { text: 'Paused', warn: false };
    default:
      if (folder.waiting > 0) return { text: `Reading ${plural(folder.waiting, 'file')}`, warn: false };
      if (folder.state === 'looking') return { text: 'Looking it over', warn: false };
      return folder.problems.some((problem) => problem.job !== null)
        ? { text: 'Some files need you', warn: true }
        : { text: folder.state === 'polling' ? 'Checked every few seconds' : 'Watching', warn: false };
  }
}

/** When a document was indexed, in a column: "Today 09:12", "12 Mar", "12 Mar 2024", "Not yet". */
export function indexedWords(ms: number | null, now = Date.now()): string {
  if (ms === null) return 'Not yet';
  const then = new Date(ms);
  const today = new Date(now);
  if (then.toDateString() === today.toDateString()) return `Today ${clock(ms)}`;
  const month = then.toLocaleDateString(undefined, { month: 'short' });
  const year = then.getFullYear() === today.getFullYear() ? '' : ` ${then.getFullYear()}`;
  return `${then.getDate()} ${month}${year}`;
}

/** "version 2" as a column shows it: "Version 2"; empty for the only one. */
export function extent(row: DocumentRow): string {
  return row.passages > 0 ? `${pagesOf(row.kind, row.pages)}, ${plural(row.passages, 'passage')}` : pagesOf(row.kind, row.pages);
}

/** Whether a label is lower than another: less guarded. */
export function isLower(to: Label, from: Label): boolean {
  return LABELS.indexOf(to) < LABELS.indexOf(from);
}
