// What an event makes of what is known. Pure: the store applies it, tests pin it.
import type { Conversation, Job, Turn, TurnNews } from './bindings';

/** What a running turn is doing now; it is not kept with the turn. */
export interface Doing {
  what: string;
  tokensPerSecond: number | null;
}

/** A turn after its news. Without the turn, only `began` and `ended` make one. */
export function reduceTurn(turn: Turn | undefined, news: TurnNews): Turn | undefined {
  if (news.kind === 'began' || news.kind === 'ended') return news.turn;
  if (!turn) return undefined;
  // An ended turn is whole: late news of it is old news.
  if (turn.state !== 'running') return turn;
  switch (news.kind) {
    case 'quotes':
      return {
        ...turn,
        quotes: news.quotes,
        sources: news.sources,
        quotes_ms: news.took_ms,
        searched_documents: news.searched_documents,
      };
    case 'doing':
      return turn;
    case 'words':
      return { ...turn, answer: turn.answer + news.text };
    case 'checked':
      return { ...turn, sentences: news.sentences, sources: news.sources };
  }
}

const bare = (text: string) => text.replace(/\s+/g, ' ').trim();

/** What a person had before them of a running answer and of which nothing stands in the next one; else nothing. */
export function takenBack(before: Turn, after: Turn): string {
  const shown = bare(before.answer);
  if (before.state !== 'running' || shown.length < 12) return '';
  const now = bare(after.answer);
  if (now.startsWith(shown.slice(0, 24))) return '';
  const sentences = before.sentences.map((sentence) => bare(before.answer.slice(sentence.start, sentence.end))).filter((sentence) => sentence.length >= 12);
  return sentences.some((sentence) => now.includes(sentence)) || now.includes(shown.slice(0, 60)) ? '' : before.answer.trim();
}

/** A conversation after news of one of its turns. A new last turn is added at the end. */
export function reduceConversation(conversation: Conversation, turnId: number, news: TurnNews): Conversation {
  const at = conversation.turns.findIndex((turn) => turn.id === turnId);
  const next = reduceTurn(at < 0 ? undefined : conversation.turns[at], news);
  if (!next) return conversation;
  const turns = [...conversation.turns];
  if (at < 0) turns.push(next);
  else turns[at] = next;
  return { ...conversation, turns };
}

/** Jobs after one moved on: in place, or added at the end. */
export function reduceJobs(jobs: Job[], job: Job): Job[] {
  const at = jobs.findIndex((other) => other.id === job.id);
  if (at < 0) return [...jobs, job];
  const next = [...jobs];
  next[at] = job;
  return next;
}

/** Words that may be painted now: all but a last unfinished word. */
export function wholeWords(text: string): { ready: string; rest: string } {
  const match = /^([\s\S]*\s)(\S*)$/.exec(text);
  if (!match) return { ready: '', rest: text };
  return { ready: match[1] ?? '', rest: match[2] ?? '' };
}
