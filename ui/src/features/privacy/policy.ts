// Policy text and rule sentences, cut into what is set strong and what is not. Pure.
import type { GridCell, Label } from '../../core/bindings';
import { LABEL, LABELS, plural } from '../../core/format';

const WORDS = '\\b(?:rule \\d+|permit|forbid|when|unless|and|or|allow|ask|deny)\\b';

/** Policy text in pieces; keywords are strong, quoted text never is. */
export function keywords(text: string): { text: string; strong: boolean }[] {
  const keyword = new RegExp(`^${WORDS}$`);
  return text
    .split(new RegExp(`(${WORDS}|"[^"\\n]*")`))
    .filter(Boolean)
    .map((piece) => ({ text: piece, strong: keyword.test(piece) }));
}

const NAMES = [...LABELS.map((label: Label) => LABEL[label]), 'this machine', 'Local only', 'never', 'nothing'];

/** A rule's sentence in pieces; what it is about is strong. */
export function emphasis(sentence: string): { text: string; strong: boolean }[] {
  const names = new RegExp(`\\b(${NAMES.join('|')})\\b`, 'i');
  const labels = new RegExp(`\\b(${[...LABELS.map((label) => LABEL[label]), 'this machine', 'Local only'].join('|')})\\b`);
  const by = labels.test(sentence) ? labels : names;
  const match = by.exec(sentence);
  if (!match) return [{ text: sentence, strong: false }];
  const start = match.index;
  const end = start + match[0].length;
  return [
    { text: sentence.slice(0, start), strong: false },
    { text: sentence.slice(start, end), strong: true },
    { text: sentence.slice(end), strong: false },
  ].filter((piece) => piece.text);
}

/** How often a rule decided. */
export function appliedWords(applied: number): string {
  return applied === 0 ? 'Not applied since Hearth was started.' : `Applied ${plural(applied, 'time')} since Hearth was started.`;
}

/** A cell's word, as it is read. */
export const CELL: Record<GridCell, string> = { allow: 'Allowed', ask: 'Ask', deny: 'Never' };

/** What a rule can be made about, with the words that a sentence needs. */
export const ACTIONS = [
  { id: 'send', label: 'Send to a model elsewhere', does: 'sent to a model elsewhere' },
  { id: 'trace', label: 'Tell a collector', does: 'told to a collector' },
  { id: 'export', label: 'Export', does: 'exported' },
  { id: 'call_tool', label: 'Call tools', does: 'given to a tool' },
  { id: 'fetch_page', label: 'Fetch web pages', does: 'used to fetch a page' },
  { id: 'download', label: 'Download models', does: 'downloaded' },
  { id: 'remember', label: 'Remember', does: 'remembered' },
  { id: 'answer', label: 'Answer', does: 'answered' },
];

/** What a rule can come to. */
export const EFFECTS = [
  { id: 'forbid', label: 'Never', sentence: 'is never' },
  { id: 'ask', label: 'Ask first', sentence: 'is, after asking,' },
  { id: 'permit', label: 'Allow', sentence: 'may be' },
];

/** When a rule speaks. */
export const WHEN = [
  { id: 'always', label: 'in every case', what: 'Anything', text: '' },
  { id: 'confidential', label: 'when Confidential or Restricted', what: 'What is Confidential or Restricted', text: '["confidential", "restricted"].contains(context.label)' },
  { id: 'restricted', label: 'when Restricted', what: 'What is Restricted', text: 'context.label == "restricted"' },
  { id: 'personal', label: 'when it names a person', what: 'What names a person', text: 'context.content.containsAny(["person", "address", "email", "phone", "birth", "identity"])' },
  { id: 'money', label: 'when it holds a card or account', what: 'What holds a card or an account', text: 'context.content.containsAny(["card", "account"])' },
  { id: 'harm', label: 'when it asks for what does harm', what: 'What asks for what does harm', text: 'context.content.contains("harm")' },
  { id: 'untrusted', label: 'with web or tool text in play', what: 'What has text of the web or a tool in it', text: 'context.untrusted' },
];

/** A rule in Cedar, from choices. */
export function composeRule(action: string, effect: string, when: string): string {
  const does = ACTIONS.find((one) => one.id === action) ?? ACTIONS[0]!;
  const comes = EFFECTS.find((one) => one.id === effect) ?? EFFECTS[0]!;
  const holds = WHEN.find((one) => one.id === when) ?? WHEN[0]!;
  const lines = [
    `@name("${comes.label.toLowerCase()}: ${does.label.toLowerCase()}, ${holds.label}")`,
    `@sentence("${holds.id === 'always' && comes.id === 'forbid' ? 'Nothing is' : `${holds.what} ${comes.sentence}`} ${does.does}.")`,
  ];
  if (comes.id === 'ask') lines.push(`@ask("${does.label}")`);
  const end = holds.text ? `\nwhen { ${holds.text} };` : ';';
  lines.push(`${comes.id === 'forbid' ? 'forbid' : 'permit'} (principal, action == Action::"${does.id}", resource)${end}`);
  return lines.join('\n');
}
