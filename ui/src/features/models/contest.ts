// What a comparison of two models says: figures of an answer, totals of a pair, questions out of lines. Pure.
import type { Contest, ContestAnswer, SideTotals } from '../../core/bindings';
import { plural, speed, took } from '../../core/format';

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

/** How far a comparison is: "2 of 3 questions answered, 1 chosen". */
export function progressWords(contest: Contest): string {
  const answered = contest.questions.filter((one) => isEnded(one.first) && isEnded(one.second)).length;
  const chosen = contest.questions.filter((one) => one.choice !== null).length;
  return `${answered} of ${plural(contest.questions.length, 'question')} answered, ${chosen} chosen`;
}
