// What the palette holds and how it moves: replies by their question, rows in order, commands by their words. Pure.
import type { ConversationRow, DocumentHit, Hits, PassageHit } from '../../core/bindings';

/** Where the palette looks: one space, or all of them. */
export type Scope = { kind: 'space'; space: number } | { kind: 'everywhere' };

export interface Command {
  id: string;
  label: string;
  /** Secondary words at the end of the row. */
  aside: string;
  /** More words that find it. */
  also?: string;
}

export type Row =
  | { kind: 'passage'; key: string; hit: PassageHit }
  | { kind: 'conversation'; key: string; row: ConversationRow }
  | { kind: 'document'; key: string; hit: DocumentHit }
  | { kind: 'ask'; key: string; text: string }
  | { kind: 'command'; key: string; command: Command };

export interface State {
  text: string;
  /** Counts what was typed; a reply to an older count is late. */
  round: number;
  hits: Hits | null;
  /** What `hits` answers. */
  answered: string;
  /** The row that Enter opens. */
  at: number;
}

export type Action =
  | { kind: 'type'; text: string }
  | { kind: 'reply'; round: number; hits: Hits }
  | { kind: 'rescope' }
  | { kind: 'move'; step: number; rows: number }
  | { kind: 'point'; at: number };

export const CLOSED: State = { text: '', round: 0, hits: null, answered: '', at: 0 };

/** The next state. A late reply changes nothing; what is on screen stays until the new reply is here. */
export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case 'type':
      if (action.text === state.text) return state;
      return { ...state, text: action.text, round: state.round + 1, at: 0, hits: action.text.trim() ? state.hits : null };
    case 'rescope':
      return { ...state, round: state.round + 1, at: 0, hits: null };
    case 'reply':
      if (action.round !== state.round) return state;
      return { ...state, hits: action.hits, answered: state.text };
    case 'move':
      if (action.rows === 0) return { ...state, at: 0 };
      return { ...state, at: (state.at + action.step + action.rows * 2) % action.rows };
    case 'point':
      return action.at === state.at ? state : { ...state, at: action.at };
  }
}

/** Several spaces' hits as one, best passages first. */
export function merge(all: readonly Hits[], limit: number): Hits {
  return {
    passages: all
      .flatMap((hits) => hits.passages)
      .sort((a, b) => b.score - a.score)
      .slice(0, limit),
    conversations: all
      .flatMap((hits) => hits.conversations)
      .sort((a, b) => b.updated_ms - a.updated_ms)
      .slice(0, limit),
    documents: all.flatMap((hits) => hits.documents).slice(0, limit),
    took_ms: all.reduce((most, hits) => Math.max(most, hits.took_ms), 0),
  };
}

/** Words as they are compared: lower case, without accents. */
export function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase();
}

/** Commands that hold every typed word, those that begin with it first. */
export function findCommands(commands: readonly Command[], text: string, most: number): Command[] {
  const words = fold(text).split(/\s+/).filter(Boolean);
  if (words.length === 0) return commands.slice(0, most);
  return commands
    .map((command) => ({ command, said: fold(`${command.label} ${command.aside} ${command.also ?? ''}`) }))
    .filter(({ said }) => words.every((word) => said.split(/\s+/).some((part) => part.startsWith(word)) || (word.length > 3 && said.includes(word))))
    .sort((a, b) => Number(b.said.startsWith(words[0] ?? '')) - Number(a.said.startsWith(words[0] ?? '')))
    .slice(0, most)
    .map(({ command }) => command);
}

/** Where the typed words stand in a title, as UTF-16 offsets; folded letters that change a text's length give none. */
export function marksIn(title: string, text: string): [number, number][] {
  const folded = fold(title);
  if (folded.length !== title.length) return [];
  const found: [number, number][] = [];
  for (const word of new Set(fold(text).split(/\s+/).filter((one) => one.length > 1))) {
    for (let at = folded.indexOf(word); at >= 0; at = folded.indexOf(word, at + word.length)) {
      if (at === 0 || !/[\p{L}\p{N}]/u.test(folded[at - 1] ?? '')) found.push([at, at + word.length]);
    }
  }
  return join(found);
}

/** Marks in order, overlapping ones joined. */
export function join(marks: readonly (readonly [number, number])[]): [number, number][] {
  const sorted = [...marks].filter(([start, end]) => end > start).sort((a, b) => a[0] - b[0]);
  const joined: [number, number][] = [];
  for (const [start, end] of sorted) {
    const last = joined.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}

/** A text cut at its marks. */
export function pieces(text: string, marks: readonly (readonly [number, number])[]): { text: string; marked: boolean }[] {
  const cut: { text: string; marked: boolean }[] = [];
  let at = 0;
  for (const [start, end] of join(marks)) {
    if (start >= text.length) break;
    if (start > at) cut.push({ text: text.slice(at, start), marked: false });
    cut.push({ text: text.slice(start, Math.min(end, text.length)), marked: true });
    at = Math.min(end, text.length);
  }
  if (at < text.length) cut.push({ text: text.slice(at), marked: false });
  return cut;
}

/** A passage moved so that its first mark is in sight in one line. */
export function inSight(text: string, marks: readonly (readonly [number, number])[], before = 44): { text: string; marks: [number, number][] } {
  const flat = text.replace(/\s/g, ' ');
  const first = join(marks)[0]?.[0] ?? 0;
  if (first <= before) return { text: flat, marks: join(marks) };
  const space = flat.indexOf(' ', first - before);
  const from = space >= 0 && space < first ? space + 1 : first - before;
  return { text: `…${flat.slice(from)}`, marks: join(marks).map(([start, end]) => [Math.max(1, start - from + 1), end - from + 1]) };
}

/** All rows in the order of the screen. */
export function rowsOf(hits: Hits | null, text: string, commands: readonly Command[]): Row[] {
  const rows: Row[] = [];
  hits?.passages.forEach((hit, at) => rows.push({ kind: 'passage', key: `p${at}`, hit }));
  hits?.conversations.forEach((row) => rows.push({ kind: 'conversation', key: `c${row.id}`, row }));
  hits?.documents.forEach((hit) => rows.push({ kind: 'document', key: `d${hit.document}`, hit }));
  if (text.trim()) rows.push({ kind: 'ask', key: 'ask', text: text.trim() });
  commands.forEach((command) => rows.push({ kind: 'command', key: `x${command.id}`, command }));
  return rows;
}
