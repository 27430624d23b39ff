// What a comparison of two models says: figures of an answer, totals of a pair, questions out of lines. Pure.
import type { Contest, ContestAnswer, SideTotals } from '../../core/bindings';
import { duration, plural, speed, took } from '../../core/format';

/** Questions, one a line, each once. */
export function questionsIn(text: string): string[] {
  return [...new Set(text.split('\n').map((line) => line.trim()).filter(Boolean))];
}

/** Whether an answer is there, whatever came of it. */
export function isEnded(answer: ContestAnswer): boolean {
  return answer.turn !== null && answer.turn.state !== 'running';
}

/** Questions that were not put to both models. */
export function unasked(contest: Contest): number {
  return contest.questions.filter((one) => one.first.turn === null || one.second.turn === null).length;
}

/** "3 of 4 sentences verified", or why there is nothing to verify. */
export function verifiedWords(answer: ContestAnswer): string {
  if (!answer.turn) return 'Not asked yet';
  if (answer.turn.state === 'running') return 'Answering';
  if (answer.turn.state === 'failed') return 'Failed';
  if (answer.turn.state === 'abstained' && answer.claims === 0) return 'Says that the documents do not say';
  if (answer.claims === 0) return 'Nothing is claimed';
  return `${answer.supported} of ${plural(answer.claims, 'sentence')} verified`;
}

/** Time to the first word, speed and whole time of an answer. */
export function figuresOf(answer: ContestAnswer): string[] {
  const how = answer.turn?.how;
  if (!how || answer.turn?.state === 'running') return [];
  return [
    ...(how.first_word_ms === null ? [] : [`first word ${took(how.first_word_ms)}`]),
    ...(how.tokens_per_second === null ? [] : [speed(how.tokens_per_second)]),
    `${took(how.total_ms)} in all`,
  ];
}

/** The lines of the table of totals: what, and the figure of each side. */
export function totalsOf(first: SideTotals, second: SideTotals): { name: string; first: string; second: string }[] {
  const each = (name: string, words: (side: SideTotals) => string) => ({ name, first: words(first), second: words(second) });
  const time = (ms: number | null) => (ms === null ? '' : took(ms));
  return [
    each('Chosen', (side) => String(side.wins)),
    each('Sentences verified', (side) => (side.claims === 0 ? '' : `${Math.round((side.supported / side.claims) * 100)}%, ${side.supported} of ${side.claims}`)),
    each('First word, median', (side) => time(side.first_word_ms)),
    each('Speed, median', (side) => (side.tokens_per_second === null ? '' : speed(side.tokens_per_second))),
    each('Whole answer, median', (side) => time(side.total_ms)),
  ];
}

/** What an answer is doing, without the name of a model that is hidden: "Loading its model". */
export function doingOf(answer: ContestAnswer, what: string, names: readonly string[]): string {
  if (answer.model !== null) return what;
  return [...names].sort((a, b) => b.length - a.length).reduce((words, name) => (name ? words.replaceAll(name, 'its model') : words), what);
}

/** Where a running comparison is: which question, which of its two answers, and how much of all is done. */
export interface Standing {
  question: number;
  questions: number;
  /** The answer that is being written, or the next one. */
  answer: ContestAnswer;
  hidden: string;
  share: number;
}

/** Where it is, while it runs. */
export function standing(contest: Contest): Standing | null {
  if (!contest.running) return null;
  const sides = contest.questions.flatMap((one, at) => [
    { at, answer: one.first, hidden: 'First answer' },
    { at, answer: one.second, hidden: 'Second answer' },
  ]);
  const now = sides.find((side) => side.answer.turn?.state === 'running') ?? sides.find((side) => side.answer.turn === null);
  if (!now) return null;
  return {
    question: now.at + 1,
    questions: contest.questions.length,
    answer: now.answer,
    hidden: now.hidden,
    share: sides.filter((side) => isEnded(side.answer)).length / sides.length,
  };
}

/** "Question 2 of 3. Qwen3 14B is answering: reading 4 pages, for 20 s" */
export function standingWords(now: Standing, doing: string, for_ms: number | null): string {
  const who = now.answer.model ?? now.hidden;
  const what = !now.answer.turn ? `${who} is next` : now.answer.model ? `${who} is answering` : `${who} is being written`;
  const how = [doing && doing !== 'Answering' ? doing.charAt(0).toLocaleLowerCase() + doing.slice(1) : '', for_ms !== null && for_ms >= 5_000 ? `for ${sinceWords(for_ms)}` : ''].filter(Boolean).join(', ');
  return `Question ${now.question} of ${now.questions}. ${what}${how ? `: ${how}` : ''}`;
}

/** How long something has run, without fractions: "20 s", "3 min 5 s". */
export function sinceWords(ms: number): string {
  return ms < 60_000 ? `${Math.floor(ms / 1000)} s` : duration(ms);
}

/** How far a comparison is: "2 of 3 questions answered, 1 chosen". */
export function progressWords(contest: Contest): string {
  const answered = contest.questions.filter((one) => isEnded(one.first) && isEnded(one.second)).length;
  const chosen = contest.questions.filter((one) => one.choice !== null).length;
  return `${answered} of ${plural(contest.questions.length, 'question')} answered, ${chosen} chosen`;
}
