// A conversation as a file of Markdown: questions, quotes, answers with their marks and what the check found, sources. Pure.
import type { Conversation, Label, Sentence, Turn } from '../../core/bindings';
import { marksOf, placeLine } from '../../core/citations';
import { bytes, clock, CONFIDENCE, date, LABEL, LABELS, matched, ticks } from '../../core/format';

/** Words as they are, whatever signs of Markdown or HTML are in them; a line stays a line. */
export function plain(text: string): string {
  return text
    .trim()
    .replace(/[\\`*_[\]<>]/g, '\\$&')
    .replace(/^(\s*)([#+=~-]|\d+(?=[.)]))/gm, (_all, space: string, sign: string) => (/\d/.test(sign) ? `${space}${sign}\\` : `${space}\\${sign}`))
    .replace(/([^\n])\n(?!\n)/g, '$1  \n');
}

function found(sentence: Sentence): string {
  if (sentence.state === 'not_found') return ' *(not found in the documents)*';
  if (sentence.state === 'contradicted') return ` *(${sentence.note ? plain(sentence.note) : 'the source says otherwise'})*`;
  if (sentence.state === 'partly') return ` *(${sentence.note ? plain(sentence.note) : 'found in part'})*`;
  return '';
}

function answer(turn: Turn): string {
  if (turn.sentences.length === 0) return plain(turn.answer);
  let text = '';
  for (const sentence of turn.sentences) {
    const words = turn.answer.slice(sentence.start, sentence.end);
    const lines = /^\s*/.exec(words)?.[0] ?? '';
    const end = /\s*$/.exec(words)?.[0] ?? '';
    const marks = marksOf(sentence).map((citation) => `[${citation.source}]`).join('');
    const gap = (space: string) => (space.includes('\n\n') ? '\n\n' : space.includes('\n') ? '  \n' : space);
    text += `${text ? gap(lines) : ''}${plain(words)}${marks ? ` ${marks}` : ''}${turn.general ? '' : found(sentence)}${gap(end)}`;
  }
  return text.trim();
}

/** One turn. */
export function turnMarkdown(turn: Turn): string {
  const parts = [`## ${plain(turn.question).replace(/\s*\n\s*/g, ' ')}`, `${date(turn.asked_ms, 0)}, ${clock(turn.asked_ms)}`];
  if (turn.attachments.length > 0) parts.push(`With ${turn.attachments.map((one) => plain(one.title)).join(', ')}`);
  for (const quote of turn.quotes) parts.push(plain(`“${quote.text.trim()}”`).split('\n').map((line) => `> ${line}`).join('\n') + ` [${quote.source}]`);
  if (turn.general) parts.push('*General knowledge, without a source.*');
  if (turn.not_said && !turn.answer.startsWith(turn.not_said)) parts.push(plain(turn.not_said));
  if (turn.answer) parts.push(answer(turn));
  if (turn.state === 'stopped') parts.push('*Stopped before its end.*');
  if (turn.refusal) parts.push(`Refused by rule ${turn.refusal.number}: ${plain(turn.refusal.sentence)}`);
  if (turn.error) parts.push(plain(turn.error.message));
  if (turn.confidence && ticks(turn.sentences).length > 0) parts.push(`${CONFIDENCE[turn.confidence]} ${matched(turn.sentences)}.`);
  if (turn.sources.length > 0) {
    parts.push(turn.sources.map((source) => `- [${source.number}] ${plain(source.title)}, ${placeLine(source, ', ')}. ${LABEL[source.label]}${source.current ? '' : source.gone ? ', removed since' : ', changed since'}.`).join('\n'));
  }
  if (turn.how) parts.push(`${turn.how.model ? `${plain(turn.how.model)}, ` : ''}${bytes(turn.how.bytes_out)} left the machine`);
  return parts.join('\n\n');
}

/** A whole conversation. */
export function markdownOf(conversation: Conversation): string {
  return `${[`# ${plain(conversation.title)}`, ...conversation.turns.filter((turn) => turn.state !== 'running').map(turnMarkdown)].join('\n\n')}\n`;
}

/** The highest label of what it quotes. */
export function highest(turns: readonly Turn[]): Label {
  const levels = turns.flatMap((turn) => turn.sources.map((source) => LABELS.indexOf(source.label)));
  return LABELS[Math.max(0, ...levels)] ?? 'public';
}

/** A name that every system takes for a file. */
export function fileName(title: string): string {
  const name = title.replace(/[\p{Cc}<>:"/\\|?*]+/gu, ' ').replace(/\s+/g, ' ').trim().slice(0, 80).replace(/[. ]+$/, '');
  return `${name || 'Conversation'}.md`;
}
