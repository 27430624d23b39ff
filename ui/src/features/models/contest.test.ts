// What a comparison says.
import { describe, expect, it, vi } from 'vitest';
import { fake } from '../../core/fake';
import type { ContestAnswer, SideTotals } from '../../core/bindings';
import { begun } from '../../core/fake/turns';
import { doingOf, figuresOf, isEnded, progressWords, questionsIn, standing, standingWords, totalsOf, unasked, verifiedWords } from './contest';

describe('comparisons', () => {
  it('takes each line for a question, once', () => {
    expect(questionsIn(' One?\n\nTwo?\nOne? ')).toEqual(['One?', 'Two?']);
    expect(questionsIn(' \n')).toEqual([]);
  });

  it('states figures, and leaves out what is not known', () => {
    const side: SideTotals = { model: 'a', name: 'A', wins: 2, claims: 8, supported: 6, first_word_ms: 800, tokens_per_second: 31, total_ms: 5900 };
    const lines = totalsOf(side, { ...side, claims: 0, supported: 0, first_word_ms: null, tokens_per_second: null, total_ms: null });
    expect(lines.map((line) => line.first)).toEqual(['2', '75%, 6 of 8', '0.80 s', '31 tok/s', '5.9 s']);
    expect(lines.map((line) => line.second)).toEqual(['2', '', '', '', '']);
    const none: ContestAnswer = { model: null, turn: null, claims: 0, supported: 0 };
    expect([verifiedWords(none), figuresOf(none), isEnded(none)]).toEqual(['Not asked yet', [], false]);
  });

  it('hides names until a choice, and counts the last one', async () => {
    const core = fake(new URLSearchParams('contest'), () => 1_772_960_000_000);
    const [row] = await core.call('ListContests', {});
    const before = await core.call('GetContest', { contest: row?.id ?? 0 });
    const question = before.questions[1];
    expect(question?.first.model).toBeNull();
    expect(verifiedWords(question!.first)).toBe('3 of 4 sentences verified');
    expect(figuresOf(question!.second)).toEqual(['first word 0.80 s', '31 tok/s', '5.9 s in all']);
    await core.call('ChooseAnswer', { question: question?.id ?? 0, choice: 'first' });
    const after = await core.call('ChooseAnswer', { question: question?.id ?? 0, choice: 'second' });
    expect(after.questions[1]?.second.model).toBe(after.names[0]);
    expect([after.totals.first.wins, after.totals.second.wins, after.questions[1]?.choices]).toEqual([1, 0, 2]);
    expect(progressWords(after)).toBe('2 of 2 questions answered, 1 chosen');
  });

  it('says which question is asked, whose answer is written, what it does and for how long', async () => {
    const core = fake(new URLSearchParams('contest'), () => 1_772_960_000_000);
    const [row] = await core.call('ListContests', {});
    const contest = await core.call('GetContest', { contest: row?.id ?? 0 });
    expect(standing(contest)).toBeNull();
    const second = contest.questions[1]!;
    second.first = { model: null, turn: begun(9, 'How wide?', 0), claims: 0, supported: 0 };
    second.second = { model: null, turn: null, claims: 0, supported: 0 };
    const now = standing({ ...contest, running: true })!;
    expect(now.share).toBe(0.5);
    expect(doingOf(now.answer, 'Loading Qwen3 0.6B', ['Qwen3', 'Qwen3 0.6B'])).toBe('Loading its model');
    expect(standingWords(now, 'Reading 4 pages, 30%', 20_400)).toBe('Question 2 of 2. First answer is being written: reading 4 pages, 30%, for 20 s');
    expect(standingWords({ ...now, answer: { ...now.answer, model: 'Qwen3 14B' } }, 'Answering', 1_000)).toBe('Question 2 of 2. Qwen3 14B is answering');
    expect(standingWords({ ...now, answer: second.second, hidden: 'Second answer' }, '', null)).toBe('Question 2 of 2. Second answer is next');
  });

  it('asks the rest of one that was stopped', async () => {
    vi.useFakeTimers();
    const core = fake(new URLSearchParams('contest'), () => 1_772_960_000_000);
    const { installed } = await core.call('ListModels', {});
    const begun = await core.call('CompareModels', { space: 1, first: installed[0]!.id, second: installed[1]!.id, questions: ['One?', 'Two?'], blind: false });
    vi.advanceTimersByTime(400);
    await core.call('StopContest', { contest: begun.id });
    vi.advanceTimersByTime(4000);
    expect(unasked(await core.call('GetContest', { contest: begun.id }))).toBe(2);
    await core.call('ResumeContest', { contest: begun.id });
    vi.advanceTimersByTime(4000);
    const whole = await core.call('GetContest', { contest: begun.id });
    expect([whole.running, unasked(whole)]).toEqual([false, 0]);
    vi.useRealTimers();
  });
});
