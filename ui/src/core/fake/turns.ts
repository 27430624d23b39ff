// Conversations that the scripted backend already holds, and the answers it gives.
import type { Citation, Quote, Sentence, Source, Turn } from '../bindings';
import { find, PAPERS, type Paper } from './papers';

export function paper(id: number): Paper {
  const found = PAPERS.find((one) => one.id === id);
  if (!found) throw new Error(`no paper ${id}`);
  return found;
}

function source(number: number, id: number, page?: number, place?: string): Source {
  const one = paper(id);
  return { number, document: one.id, version: one.version, title: one.title, kind: one.kind, page: page ?? one.page, place: place ?? one.place, version_name: one.version_name, label: one.label, current: true, gone: false, imported_ms: 1_772_500_000_000, later: null, unsure: null };
}

function quote(number: number, id: number, words: string, page?: number): Quote {
  const one = paper(id);
  return { source: number, text: words, at: find(one, page ?? one.page, words), cell: null };
}

function cite(number: number, id: number, words: string, page?: number): Citation {
  const one = paper(id);
  return { source: number, at: find(one, page ?? one.page, words), text: words };
}

type Part = [text: string, state: Sentence['state'], citations?: Citation[], note?: string];

function answer(parts: Part[]): { answer: string; sentences: Sentence[] } {
  let text = '';
  const sentences: Sentence[] = [];
  for (const [words, state, citations = [], note = null] of parts) {
    const start = text.length;
    text += words;
    sentences.push({ start, end: text.length, state, citations, note });
  }
  return { answer: text, sentences };
}

const WIDTH = 'Corridors forming part of a bed-evacuation route shall keep a clear width of not less than 2,150 mm, measured between handrails, along their whole length.';
const CASINGS = 'Column casings F7–F9 increased to house new medical gas risers.';

export const CORRIDOR = {
  ...answer([
    ['Not along its whole length. ', 'supported', [cite(1, 1, WIDTH), cite(3, 2, 'North ward corridor, gridlines F7 to F9: 2,050 clear between handrails.')]],
    ['The fire strategy asks for 2,150 mm clear between handrails on every bed-evacuation route, and the north ward corridor is one of those routes. ', 'supported', [cite(1, 1, WIDTH), cite(2, 1, 'The north ward corridor is a bed-evacuation route', 12)]],
    ['Drawing A-103 at revision P6 dimensions 2,050 mm between gridlines F7 and F9, where the column casings were thickened for the medical gas risers. ', 'supported', [cite(3, 2, CASINGS)]],
    ['Elsewhere the corridor is drawn at 2,180 mm, so the shortfall is 100 mm over two bays. ', 'supported', [cite(3, 2, 'North ward corridor, elsewhere: 2,180 clear between handrails.')]],
    ['The cross-corridor doorset is not affected: D3-14 is scheduled at 1,520 mm against a minimum of 1,500. ', 'supported', [cite(4, 3, 'D3-14\tNorth corridor, F8\t1,520')]],
    ['A reduction like this would normally need the fire engineer’s written agreement.', 'not_found'],
  ]),
  quotes: [quote(1, 1, WIDTH), quote(3, 2, CASINGS)],
  sources: [source(1, 1), source(2, 1, 12, 'page 13'), source(3, 2, 0, 'page 1'), source(4, 3)],
};

function turn(id: number, question: string, asked_ms: number, more: Partial<Turn>): Turn {
  return {
    id,
    question,
    asked_ms,
    attachments: [],
    state: 'answered',
    remote: null,
    quotes: [],
    quotes_ms: 240,
    answer: '',
    sentences: [],
    sources: [],
    unused_passages: 0,
    searched_documents: 214,
    confidence: 'high',
    how: { model: 'Qwen3 14B', route: '', total_ms: 5900, first_word_ms: 800, tokens_per_second: 31, prompt_tokens: 2140, cached_tokens: 1022, new_tokens: 148, bytes_out: 0 },
    not_said: null,
    refusal: null,
    error: null,
    outdated: [],
    general: false,
    review: null,
    ...more,
  };
}

/** A turn as it begins. */
export function begun(id: number, question: string, asked_ms: number): Turn {
  return turn(id, question, asked_ms, { state: 'running', quotes_ms: null, confidence: null, how: null, searched_documents: 0 });
}

/** The corridor answer for a turn, whole. */
export function answered(begin: Turn): Turn {
  return turn(begin.id, begin.question, begin.asked_ms, { ...CORRIDOR, attachments: begin.attachments, unused_passages: 6 });
}

/** A turn that the documents do not answer. */
export function abstained(begin: Turn): Turn {
  const { answer: text, sentences } = answer([
    ['Nothing in Lindgate Hospital says how many nurses work at night. ', null],
    ['The staff base is drawn with three desk positions.', 'supported', [cite(1, 4, 'Staff base 3.42: three positions, one at wheelchair height.')]],
  ]);
  return turn(begin.id, begin.question, begin.asked_ms, {
    state: 'abstained',
    quotes_ms: 260,
    quotes: [quote(1, 4, 'Staff base 3.42: three positions, one at wheelchair height.')],
    answer: text,
    sentences,
    sources: [source(1, 4)],
    not_said: 'Half of this is not in your documents.',
    unused_passages: 9,
    searched_documents: 212,
    how: { model: 'Qwen3 14B', route: '', total_ms: 1600, first_word_ms: 700, tokens_per_second: 31, prompt_tokens: 900, cached_tokens: 0, new_tokens: 30, bytes_out: 0 },
    confidence: 'mixed',
  });
}

/** A turn whose model did not load. */
export function failed(begin: Turn): Turn {
  const words = 'Twenty-four beds, of which at least half are in single rooms with their own shower and WC.';
  return turn(begin.id, begin.question, begin.asked_ms, {
    state: 'failed',
    quotes_ms: 210,
    quotes: [quote(1, 5, words)],
    sources: [source(1, 5)],
    confidence: null,
    how: null,
    error: { code: 'no_memory', message: 'Mistral Small 24B did not load. It needs 15.8 GB and 12.2 GB is free.', hint: 'Choose a smaller model, or close other programs.' },
  });
}

/** A turn that a rule refused. */
export function refused(begin: Turn): Turn {
  return turn(begin.id, begin.question, begin.asked_ms, {
    state: 'refused',
    quotes_ms: null,
    confidence: null,
    how: null,
    refusal: { number: 2, name: 'restricted-stays', sentence: 'Answer from documents labelled Restricted only in their own space.' },
  });
}

/** A turn stopped part of the way. */
export function stopped(begin: Turn, upto: string): Turn {
  const sentences = CORRIDOR.sentences.filter((sentence) => sentence.end <= upto.length);
  const end = sentences.at(-1)?.end ?? 0;
  return turn(begin.id, begin.question, begin.asked_ms, {
    ...CORRIDOR,
    state: 'stopped',
    answer: upto,
    sentences: end < upto.length ? [...sentences, { start: end, end: upto.length, state: 'not_found', citations: [], note: null }] : sentences,
    confidence: sentences.length ? 'high' : null,
  });
}

/** A general answer: no marks, every sentence unverified. */
export function general(begin: Turn): Turn {
  const { answer: text, sentences } = answer([
    ['A ward of this size commonly has between three and five registered nurses at night. ', 'not_found'],
    ['The figure depends on how ill the patients are and on local policy.', 'not_found'],
  ]);
  return turn(begin.id, begin.question, begin.asked_ms, { general: true, quotes_ms: null, answer: text, sentences, confidence: 'no_sources', searched_documents: 0 });
}

/** An answer that a source contradicts in one sentence. */
export function contradicted(begin: Turn): Turn {
  const { answer: text, sentences } = answer([
    ['The fire strategy asks for 2,150 mm clear between handrails. ', 'supported', [cite(1, 1, WIDTH)]],
    ['Cross-corridor doorsets may be 1,400 mm.', 'contradicted', [cite(1, 1, 'Cross-corridor doorset\t1,500 mm')], 'The source says 1,500 mm.'],
  ]);
  return turn(begin.id, begin.question, begin.asked_ms, { quotes: [quote(1, 1, WIDTH)], answer: text, sentences, sources: [source(1, 1)], confidence: 'low', outdated: [1] });
}

const DAY = 86_400_000;

export interface Kept {
  id: number;
  space: number;
  title: string;
  updated_ms: number;
  turns: Turn[];
}

/** What is already there at the start. */
export function conversations(now: number): Kept[] {
  const at = new Date(now).setHours(10, 42, 0, 0);
  const earlier = (id: number, question: string, text: string): Turn => {
    const one = answer([[text, 'supported', [cite(1, 1, WIDTH)]]]);
    return turn(id, question, at - 900_000, { ...one, sources: [source(1, 1)] });
  };
  const begin = (id: number, question: string, ms = at): Turn => begun(id, question, ms);
  const titles: [string, number][] = [
    ['Door costs by fire rating', 0],
    ['Handrail finish and cleaning', 0],
    ['Conditions still open', 1],
    ['Infection control, round 2', 1],
    ['A-103: P5 against P6', 1],
    ['Bedheads: who sets heights?', 4],
    ['Ceiling void clashes, grid F', 5],
    ['Phasing while 3B stays open', 6],
  ];
  return [
    {
      id: 1,
      space: 1,
      title: 'Corridor width, Level 3',
      updated_ms: at,
      turns: [
        earlier(1, 'Which revision of the fire strategy is current?', 'Revision C, issued 3 March. Revision B is kept, marked superseded.'),
        earlier(2, 'Which corridors does it treat as bed-evacuation routes?', 'The north and south ward corridors and the link at gridline F.'),
        { ...answered(begin(3, 'Does the Level 3 ward corridor meet the width in the fire strategy?')), attachments: [{ document: 5, title: 'Client Brief', kind: 'docx' }] },
      ],
    },
    { id: 2, space: 1, title: 'Night staffing, Ward 3A', updated_ms: at - 60_000, turns: [abstained(begin(4, 'How many nurses are on Ward 3A at night, and does the staff base have a desk for each?'))] },
    { id: 3, space: 1, title: 'Single-room ratio', updated_ms: at - 120_000, turns: [failed(begin(5, 'How many of the twenty-four beds are in single rooms on A-103, and does that meet the client brief?'))] },
    { id: 4, space: 1, title: 'Doorset minimum', updated_ms: at - 180_000, turns: [contradicted(begin(6, 'How wide must a cross-corridor doorset be?'))] },
    ...titles.map(([title, days], index) => ({ id: 20 + index, space: 1, title, updated_ms: at - 240_000 - index * 60_000 - days * DAY, turns: [earlier(40 + index, `${title}?`, 'Revision C, issued 3 March.')] })),
  ];
}
