// The words that may begin a question with "/": each does something now.

export interface Command {
  name: string;
  says: string;
  aside?: string;
  /** Waits for words after it; else it acts when chosen. */
  takes: boolean;
}

export const COMMANDS: Command[] = [
  { name: 'summarise', says: 'Summarise a document', aside: 'attach it with @', takes: true },
  { name: 'calculate', says: 'Work out a sum', aside: 'exactly, without a model', takes: true },
  { name: 'remember', says: 'Keep something for later answers', takes: true },
  { name: 'trace', says: 'Show how the last answer was made', takes: false },
  { name: 'general', says: 'Answer from general knowledge', aside: 'no citations, each sentence is marked', takes: true },
];

/** What is being typed: a command's name at the very start, or a document's after "@". */
export function typing(text: string, caret: number): { kind: 'command' | 'document'; from: number; words: string } | null {
  const before = text.slice(0, caret);
  const command = /^\/(\w*)$/.exec(before);
  if (command) return { kind: 'command', from: 0, words: command[1] ?? '' };
  const document = /(?:^|\s)@([^\s@][^@\n]{0,40}|)$/.exec(before);
  if (document) return { kind: 'document', from: before.length - (document[1]?.length ?? 0) - 1, words: document[1] ?? '' };
  return null;
}

/** A word that looks like a command and is none: "table" of "/table the sales". A path is no command. */
export function unknown(text: string): string | null {
  const name = /^\/(\p{L}[\p{L}\d_-]*)(?=\s|$)/u.exec(text.trim())?.[1];
  return name && !COMMANDS.some((command) => command.name === name) ? name : null;
}

/** What to say of it: that there is none, and those there are. */
export function unknownWords(name: string): string {
  const names = COMMANDS.map((command) => `/${command.name}`);
  return `There is no command /${name}. There are ${names.slice(0, -1).join(', ')} and ${names.at(-1)}. Without “/” it is asked as a question.`;
}

/** A whole text that is a command: its name and the words after it. */
export function parse(text: string): { name: string; rest: string } | null {
  const match = /^\/(\w+)(?:\s+([\s\S]*))?$/.exec(text.trim());
  if (!match?.[1]) return null;
  const known = COMMANDS.find((command) => command.name === match[1]);
  return known ? { name: known.name, rest: (match[2] ?? '').trim() } : null;
}
