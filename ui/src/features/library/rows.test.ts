// What rows promises.
import { describe, expect, it } from 'vitest';
import type { DocumentRow, WatchedFolder } from '../../core/bindings';
import { countKinds, countLabels, extent, filterRows, indexedWords, isLower, rowKey, sortRows, standingWords, statusWords, watchWords } from './rows';

function row(id: number | null, title: string, more: Partial<DocumentRow> = {}): DocumentRow {
  return {
    id,
    job: id === null ? 7 : null,
    title,
    name: `${title}.pdf`,
    kind: 'pdf',
    version_name: '',
    label: 'internal',
    status: { kind: 'indexed' },
    indexed_ms: 1000,
    size_bytes: 10,
    pages: 2,
    passages: 9,
    watched: null,
    later: null,
    near: false,
    ...more,
  };
}

const failed = row(null, 'Brief', { status: { kind: 'failed', title: 'Locked' }, indexed_ms: null });
const rows = [
  row(1, 'Part 10', { label: 'restricted', indexed_ms: 1000, size_bytes: 5 }),
  row(2, 'Part 9', { kind: 'xlsx', label: 'public', indexed_ms: 3000 }),
  failed,
];
const all = { show: 'all', labels: [], kinds: [] } as const;

describe('filtering', () => {
  it('keeps all without filters, and only files that wait for a person when asked', () => {
    expect(filterRows(rows, all)).toHaveLength(3);
    expect(filterRows(rows, { ...all, show: 'need' })).toEqual([failed]);
  });
  it('joins labels by or, and labels with kinds by and', () => {
    expect(filterRows(rows, { ...all, labels: ['public', 'restricted'] }).map((one) => one.id)).toEqual([1, 2]);
    expect(filterRows(rows, { ...all, labels: ['public', 'restricted'], kinds: ['xlsx'] }).map((one) => one.id)).toEqual([2]);
  });
  it('leaves out a file whose kind is not known when kinds are chosen', () => {
    expect(filterRows([row(3, 'a', { kind: null })], { ...all, kinds: ['pdf'] })).toEqual([]);
  });
});

describe('sorting', () => {
  it('puts files not indexed yet before the newest', () => {
    expect(sortRows(rows, 'indexed').map((one) => one.title)).toEqual(['Brief', 'Part 9', 'Part 10']);
  });
  it('sorts titles by their numbers', () => {
    expect(sortRows(rows, 'title').map((one) => one.title)).toEqual(['Brief', 'Part 9', 'Part 10']);
  });
  it('puts the most guarded label, the failed file and the largest size first', () => {
    expect(sortRows(rows, 'label')[0]?.label).toBe('restricted');
    expect(sortRows(rows, 'status')[0]).toBe(failed);
    expect(sortRows(rows, 'size').at(-1)?.size_bytes).toBe(5);
  });
  it('does not change what it was given', () => {
    const before = rows.map((one) => one.title);
    sortRows(rows, 'title');
    expect(rows.map((one) => one.title)).toEqual(before);
  });
});

describe('words', () => {
  it('names each status', () => {
    expect(statusWords({ kind: 'working', step: 'embed', share: 0.5 })).toEqual({ tone: 'working', words: 'Embedding', share: 0.5 });
    expect(statusWords(failed.status).words).toBe('Locked');
    expect(standingWords(row(1, 'Lease', { later: { document: 2, title: 'Lease v2' } })).words).toBe('Earlier revision');
    expect(standingWords(row(1, 'Lease', { near: true })).words).toBe('Near-duplicate');
    expect(standingWords(failed).words).toBe('Locked');
  });
  it('says when, and not yet', () => {
    const now = new Date(2026, 2, 12, 18, 0).getTime();
    expect(indexedWords(null, now)).toBe('Not yet');
    expect(indexedWords(new Date(2026, 2, 12, 9, 12).getTime(), now)).toBe('Today 09:12');
    expect(indexedWords(new Date(2025, 1, 3).getTime(), now)).toMatch(/^3 \S+ 2025$/);
  });
  it('counts labels and kinds', () => {
    expect(countLabels(rows)).toEqual({ public: 1, internal: 1, confidential: 0, restricted: 1 });
    expect(countKinds(rows)).toEqual([
      { kind: 'pdf', count: 2 },
      { kind: 'xlsx', count: 1 },
    ]);
  });
  it('knows a lower label, a key and an extent', () => {
    expect(isLower('public', 'internal')).toBe(true);
    expect(isLower('restricted', 'internal')).toBe(false);
    expect(rowKey(failed)).toBe('j7');
    expect(extent(rows[0] as DocumentRow)).toBe('2 pages, 9 passages');
  });
});

describe('watched folders', () => {
  const folder = (more: Partial<WatchedFolder>): WatchedFolder => ({
    id: 1, space: 1, name: 'Reports', path: '/r', label: 'internal', state: 'watching', words: '', files: 2, answering: 2, waiting: 0, problems: [], problems_total: 0, looked_ms: null, ...more,
  });

  it('says how a folder stands, what needs a person first', () => {
    expect(watchWords(folder({}))).toEqual({ text: 'Watching', warn: false });
    expect(watchWords(folder({ state: 'not_reachable', waiting: 3 }))).toEqual({ text: 'Not reachable', warn: true });
    expect(watchWords(folder({ waiting: 1 })).text).toBe('Reading 1 file');
    expect(watchWords(folder({ problems: [{ path: 'a', why: 'b', job: 4 }] })).warn).toBe(true);
    expect(watchWords(folder({ problems: [{ path: 'a', why: 'b', job: null }] })).warn).toBe(false);
  });

  it('shows the documents of one folder alone', () => {
    const mixed = [row(1, 'A', { watched: 4 }), row(2, 'B')];
    expect(filterRows(mixed, { ...all, folder: 4 }).map((one) => one.id)).toEqual([1]);
    expect(filterRows(mixed, { ...all, folder: null })).toHaveLength(2);
  });
});
