// Figures and words as people read them: plain, exact, with units, in the system's locale.
import type {
  CheckState,
  Confidence,
  FitLevel,
  Kind,
  Label,
  ModelState,
  Role,
  Sentence,
  VaultState,
  Mode,
} from './bindings';
import { rounded } from './pace';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A whole figure with the locale's grouping: 1,204. */
export function count(value: number): string {
  return Math.round(value).toLocaleString();
}

/** A count and its noun: "1 page", "62 pages". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

const SMALL = ['none', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

/** Small counts as words, larger ones as figures. */
export function inWords(value: number): string {
  return SMALL[value] ?? count(value);
}

/** First letter raised. */
export function sentenceCase(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}

/** Bytes as a plain figure up to 9,999, then KB, MB or GB. */
export function bytes(value: number): string {
  if (value < 10_000) return `${count(value)} ${value === 1 ? 'byte' : 'bytes'}`;
  return size(value);
}

/** A file's size: "9 KB", "61 MB", "1.2 GB". */
export function size(value: number): string {
  if (value < 1000) return `${count(value)} B`;
  if (value < 999_500) return `${count(value / 1e3)} KB`;
  if (value < 9_950_000) return `${decimal(value / 1e6)} MB`;
  if (value < 999_500_000) return `${count(value / 1e6)} MB`;
  return `${decimal(value / 1e9)} GB`;
}

function decimal(value: number): string {
  return value.toLocaleString(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

/** Memory in GB with one decimal, without the unit. */
export function gigabytes(value: number): string {
  return decimal(value / 2 ** 30);
}

/** Memory in GB without a needless ".0", for totals: "32". */
export function gigabytesShort(value: number): string {
  return (value / 2 ** 30).toLocaleString(undefined, { maximumFractionDigits: Math.abs(value / 2 ** 30) < 10 ? 1 : 0 });
}

/** "13.4 of 32 GB" */
export function memoryOf(used: number, total: number): string {
  return `${gigabytes(used)} of ${gigabytesShort(total)} GB`;
}

/** Tokens a second: "31 tok/s", one decimal below ten. */
export function speed(tokensPerSecond: number): string {
  return `${tokensPerSecond < 10 ? decimal(tokensPerSecond) : count(tokensPerSecond)} tok/s`;
}

/** How long something took: "0.24 s" under a second, "5.9 s" under a minute, then "2 min 5 s". */
export function took(ms: number): string {
  if (ms < 995) {
    return `${(ms / 1000).toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 })} s`;
  }
  return duration(ms);
}

/** Seconds to one decimal under a minute, then minutes and seconds. */
export function duration(ms: number): string {
  if (ms < MINUTE - 50) return `${decimal(ms / 1000)} s`;
  // What would round to 60.0 s is a minute.
  ms = Math.max(ms, MINUTE);
  const minutes = Math.floor(ms / MINUTE);
  if (minutes < 60) {
    const seconds = Math.floor((ms % MINUTE) / 1000);
    return seconds ? `${minutes} min ${seconds} s` : `${minutes} min`;
  }
  const hours = Math.floor(ms / HOUR);
  const rest = Math.floor((ms % HOUR) / MINUTE);
  return rest ? `${hours} h ${rest} min` : `${hours} h`;
}

/** Time left, as people say it: "less than a minute left", "about 3 min left", "about 1 h 30 min left". */
export function left(ms: number): string {
  const about = rounded(ms);
  if (about < MINUTE) return 'less than a minute left';
  return about > DAY ? 'more than a day left' : `about ${duration(about)} left`;
}

/** The clock: 10:42. */
export function clock(ms: number): string {
  return new Date(ms).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', hour12: false });
}

/** A date: "12 March", with the year where it is another one. */
export function date(ms: number, now = Date.now()): string {
  const then = new Date(ms);
  const sameYear = then.getFullYear() === new Date(now).getFullYear();
  const month = then.toLocaleDateString(undefined, { month: 'long' });
  return sameYear ? `${then.getDate()} ${month}` : `${then.getDate()} ${month} ${then.getFullYear()}`;
}

function startOfDay(ms: number): number {
  return new Date(ms).setHours(0, 0, 0, 0);
}

function daysAgo(ms: number, now: number): number {
  return Math.round((startOfDay(now) - startOfDay(ms)) / DAY);
}

/** A moment in running text: "today, 10:42", "yesterday, 17:20", "12 March, 09:05". */
export function moment(ms: number, now = Date.now()): string {
  const days = daysAgo(ms, now);
  if (days <= 0) return `today, ${clock(ms)}`;
  if (days === 1) return `yesterday, ${clock(ms)}`;
  return `${date(ms, now)}, ${clock(ms)}`;
}

/** A moment in a column: the clock today, else the date. */
export function when(ms: number, now = Date.now()): string {
  return daysAgo(ms, now) <= 0 ? clock(ms) : date(ms, now);
}

/** The group of a day in a list: Today, Yesterday, Last week, Last month, then the month. */
export function dayGroup(ms: number, now = Date.now()): string {
  const days = daysAgo(ms, now);
  if (days <= 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days <= 7) return 'Last week';
  if (days <= 31) return 'Last month';
  const then = new Date(ms);
  const month = then.toLocaleDateString(undefined, { month: 'long' });
  return then.getFullYear() === new Date(now).getFullYear() ? month : `${month} ${then.getFullYear()}`;
}

/** The modes in words. */
export const MODE: Record<Mode, string> = { offline: 'Offline', local_only: 'Local only', ask_before_remote: 'Ask before remote' };

/** A label's word. */
export const LABEL: Record<Label, string> = {
  public: 'Public',
  internal: 'Internal',
  confidential: 'Confidential',
  restricted: 'Restricted',
};

/** Labels in rising order. */
export const LABELS: Label[] = ['public', 'internal', 'confidential', 'restricted'];

/** A kind's word, as the ingest and library rows write it. */
export const KIND: Record<Kind, string> = {
  pdf: 'PDF',
  docx: 'Word',
  pptx: 'PowerPoint',
  xlsx: 'Spreadsheet',
  odt: 'OpenDocument text',
  odp: 'OpenDocument slides',
  ods: 'OpenDocument sheet',
  rtf: 'Rich text',
  csv: 'CSV',
  html: 'Web page',
  markdown: 'Markdown',
  text: 'Text',
  email: 'Email',
  epub: 'EPUB',
  code: 'Code',
  mailbox: 'Mailbox',
  archive: 'Archive',
  notebook: 'Notebook',
  json: 'JSON',
  xml: 'XML',
  picture: 'Picture',
};

/** Kinds whose pages are sheets. */
export const SHEETS: ReadonlySet<Kind> = new Set<Kind>(['xlsx', 'ods', 'csv']);

/** What a kind's pages are called. */
export function pagesOf(kind: Kind | null, pages: number): string {
  if (kind !== null && SHEETS.has(kind)) return plural(pages, 'sheet');
  if (kind === 'pptx' || kind === 'odp') return plural(pages, 'slide');
  if (kind === 'epub') return plural(pages, 'chapter');
  if (kind === 'mailbox') return plural(pages, 'letter');
  return plural(pages, 'page');
}

/** A fit's words. */
export const FIT: Record<FitLevel, string> = {
  runs_well: 'Runs well',
  slower: 'Runs, slower',
  tight: 'Tight',
  will_not_fit: 'Will not fit',
};

/** A role's word. */
export const ROLE: Record<Role, string> = {
  chat: 'Answers',
  draft: 'Drafts',
  code: 'Code',
  embed: 'Search',
  rerank: 'Ranking',
  verify: 'Checking',
  vision: 'Pictures',
  speech: 'Speech',
  image: 'Images',
};

/** A model's state in the status bar. */
export function modelState(state: ModelState): string {
  switch (state.kind) {
    case 'missing':
      return 'not on this machine';
    case 'idle':
      return 'not loaded';
    case 'loading':
      return 'loading';
    case 'ready':
      return 'ready';
    case 'working':
      return 'working';
    case 'failed':
      return 'did not load';
  }
}

/** The vault as the status bar states it. */
export function vaultState(vault: VaultState, now = Date.now(), brief = false): string {
  switch (vault.kind) {
    case 'fresh':
      return 'No vault yet';
    case 'locked':
      return 'Vault locked';
    case 'unusable':
      return 'Vault cannot be opened';
    case 'open': {
      if (vault.locks_at_ms === null) return 'Vault open';
      const minutes = Math.max(1, Math.ceil((vault.locks_at_ms - now) / MINUTE));
      return `${brief ? 'Locks' : 'Vault open, locks'} in ${minutes} min`;
    }
  }
}

/** Bytes that left, as the status bar states it. */
export function bytesOut(value: number, brief = false): string {
  return value === 0 && !brief ? '0 bytes left this machine today' : `${bytes(value)} left today`;
}

/** A confidence's words. */
export const CONFIDENCE: Record<Confidence, string> = {
  high: 'High confidence.',
  mixed: 'Mixed confidence.',
  low: 'Low confidence.',
  no_sources: 'No sources.',
};

/** A tick's state for each sentence that claims something. */
export function ticks(sentences: Sentence[]): CheckState[] {
  return sentences.flatMap((sentence) => (sentence.state === null ? [] : [sentence.state]));
}

/** The words beside the ticks while more are to come: "2 checked so far, 1 found in a source". */
export function checkedSoFar(sentences: Sentence[]): string {
  const states = ticks(sentences);
  if (states.length === 0) return 'Each sentence is checked as it ends';
  const good = states.filter((state) => state === 'supported').length;
  return `${count(states.length)} checked so far, ${good === states.length ? (good === 1 ? 'and found' : 'all found') : good === 0 ? (states.length === 1 ? 'not found' : 'none found') : `${count(good)} found`} in a source`;
}

/** The sentence beside the ticks: "5 of 6 sentences match their source". */
export function matched(sentences: Sentence[], short = false): string {
  const states = ticks(sentences);
  const good = states.filter((state) => state === 'supported').length;
  const partly = states.filter((state) => state === 'partly').length;
  const wrong = states.filter((state) => state === 'contradicted').length;
  const one = good === 1 || states.length === 1;
  const verb = one ? 'matches' : 'match';
  const noun = states.length === 1 ? 'sentence' : 'sentences';
  let text = short
    ? `${good} of ${states.length} ${noun} ${verb}`
    : `${good} of ${states.length} ${noun} ${verb} ${one ? 'its' : 'their'} source`;
  if (partly > 0) text += `, ${partly} ${partly === 1 ? 'does' : 'do'} in part`;
  if (wrong > 0) text += `, ${wrong} ${wrong === 1 ? 'is' : 'are'} contradicted`;
  return text;
}
