// Comparisons of two models in the scripted backend: answers come one after the other; one of the two is wrong at times.
import type { CommandMap, Contest, ContestQuestion, Event, Model, PairTotals, Turn } from '../bindings';
import { DoorError } from '../transport';
import * as turns from './turns';

type Names = 'CompareModels' | 'ListContests' | 'GetContest' | 'ChooseAnswer' | 'StopContest' | 'ResumeContest';
type Handlers = { [K in Names]: (args: CommandMap[K]['args']) => CommandMap[K]['reply'] };

interface Kept {
  contest: Contest;
  models: [Model, Model];
  swapped: boolean[];
}

/** What the backend answers about comparisons; `one` begins with one that has been asked. */
export function handlers(installed: Model[], one: boolean, clock: () => number, tell: (event: Event) => void): Handlers {
  const kept: Kept[] = [];
  let next = 500;
  const stale = () => tell({ kind: 'stale', commands: ['GetContest', 'ListContests'] });

  function make(space: number, first: string, second: string, questions: string[], blind: boolean): Kept {
    const models = [first, second].map((id) => installed.find((model) => model.id === id));
    if (!models[0] || !models[1]) throw new DoorError({ code: 'not_found', message: 'This model is not there any more.', hint: null });
    const empty = { model: null, turn: null, claims: 0, supported: 0 };
    const contest: Contest = {
      id: next++,
      space,
      begun_ms: clock(),
      names: [models[0].name, models[1].name],
      blind,
      running: true,
      questions: questions.map((question) => ({ id: next++, question, first: empty, second: empty, same_passages: null, choice: null, choices: 0 })),
      totals: totals([models[0], models[1]], []),
    };
    const made: Kept = { contest, models: [models[0], models[1]], swapped: questions.map((_, at) => blind && at % 2 === 1) };
    kept.unshift(made);
    return made;
  }

  /** Answers the next question of one of the two; false when all are answered. */
  function answer(made: Kept): boolean {
    const at = made.contest.questions.findIndex((question) => !question.second.turn);
    const question = made.contest.questions[at];
    if (!question) return false;
    const place = question.first.turn ? 'second' : 'first';
    const which = (place === 'second') !== (made.swapped[at] ?? false) ? 1 : 0;
    const begun = turns.begun(next++, question.question, clock());
    const whole = turns.answered(begun);
    const turn: Turn = which === 0 ? whole : worse(whole);
    if (turn.how) turn.how = { ...turn.how, model: '', ...(which === 1 ? { first_word_ms: 210, tokens_per_second: 184, total_ms: 1100 } : {}) };
    const claims = turn.sentences.filter((sentence) => sentence.state !== null);
    question[place] = { model: made.contest.blind ? null : made.models[which].name, turn, claims: claims.length, supported: claims.filter((sentence) => sentence.state === 'supported').length };
    if (place === 'second') question.same_passages = true;
    settle(made);
    return true;
  }

  function settle(made: Kept): void {
    made.contest.totals = totals(made.models, kept.filter((other) => other.models[0].id === made.models[0].id && other.models[1].id === made.models[1].id));
  }

  /** Asks one question after the other until all are asked or it is stopped. */
  function go(made: Kept): Contest {
    made.contest.running = true;
    const timer = setInterval(() => {
      if (!made.contest.running || !answer(made)) {
        made.contest.running = false;
        clearInterval(timer);
      }
      stale();
    }, 400);
    return structuredClone(made.contest);
  }

  function found(id: number): Kept {
    const made = kept.find((other) => other.contest.id === id);
    if (!made) throw new DoorError({ code: 'not_found', message: 'This comparison is not there any more.', hint: null });
    return made;
  }

  if (one && installed[0] && installed[1]) {
    const made = make(1, installed[0].id, installed[1].id, ['Does the Level 3 ward corridor meet the width in the fire strategy?', 'How wide is the doorset at F8?'], true);
    while (answer(made));
    made.contest.running = false;
  }

  return {
    CompareModels: ({ space, first, second, questions, blind }) => {
      return go(make(space, first, second, questions, blind));
    },
    ResumeContest: ({ contest }) => go(found(contest)),
    ListContests: () =>
      kept.map(({ contest }) => ({ id: contest.id, begun_ms: contest.begun_ms, names: contest.names, questions: contest.questions.length, decided: contest.questions.filter((question) => question.choice).length, running: contest.running })),
    GetContest: ({ contest }) => structuredClone(found(contest).contest),
    ChooseAnswer: ({ question, choice }) => {
      const made = kept.find((other) => other.contest.questions.some((one) => one.id === question));
      const at = made?.contest.questions.findIndex((one) => one.id === question) ?? -1;
      const one = made?.contest.questions[at];
      if (!made || !one) throw new DoorError({ code: 'not_found', message: 'This question is not there any more.', hint: null });
      one.choice = choice;
      one.choices += 1;
      const names = made.swapped[at] ? [made.models[1].name, made.models[0].name] : [made.models[0].name, made.models[1].name];
      one.first = { ...one.first, model: names[0] ?? null };
      one.second = { ...one.second, model: names[1] ?? null };
      settle(made);
      stale();
      return structuredClone(made.contest);
    },
    StopContest: ({ contest }) => {
      found(contest).contest.running = false;
      stale();
      return {};
    },
  };
}

/** The same answer with a figure that the source contradicts. */
function worse(turn: Turn): Turn {
  return {
    ...turn,
    sentences: turn.sentences.slice(0, 4).map((sentence, at) => (at === 2 ? { ...sentence, state: 'contradicted', note: 'The source says 2,050 mm.' } : sentence)),
    answer: turn.answer.slice(0, turn.sentences[3]?.end),
  };
}

function totals(models: [Model, Model], all: Kept[]): PairTotals {
  const result: PairTotals = { first: side(models[0]), second: side(models[1]), questions: 0, equal: 0, undecided: 0 };
  for (const { contest, swapped } of all) {
    contest.questions.forEach((question: ContestQuestion, at) => {
      if (!question.second.turn || (contest.blind && !question.choice)) return;
      const [a, b] = swapped[at] ? [question.second, question.first] : [question.first, question.second];
      result.questions += 1;
      if (question.choice === 'equal') result.equal += 1;
      else if (question.choice === null) result.undecided += 1;
      else if ((question.choice === 'first') !== (swapped[at] ?? false)) result.first.wins += 1;
      else result.second.wins += 1;
      for (const [to, from] of [[result.first, a], [result.second, b]] as const) {
        to.claims += from.claims;
        to.supported += from.supported;
        to.first_word_ms = from.turn?.how?.first_word_ms ?? null;
        to.tokens_per_second = from.turn?.how?.tokens_per_second ?? null;
        to.total_ms = from.turn?.how?.total_ms ?? null;
      }
    });
  }
  return result;
}

function side(model: Model): PairTotals['first'] {
  return { model: model.id, name: model.name, wins: 0, claims: 0, supported: 0, first_word_ms: null, tokens_per_second: null, total_ms: null };
}
