// The citations of a turn in reading order, and the words that name them.
import type { Citation, Quote, Sentence, Source, Turn } from './bindings';

/** A citation and the sentence it bears on; a quote bears on none. */
export interface TurnCitation extends Citation {
  sentence: number | null;
}

/** The marks after a sentence: one for each source, best first, in rising number. */
export function marksOf(sentence: Sentence): Citation[] {
  const seen = new Set<number>();
  return sentence.citations
    .filter((citation) => !seen.has(citation.source) && seen.add(citation.source))
    .sort((a, b) => a.source - b.source);
}

/** All citations of a turn, in the order of its answer; its quotes where no sentence cites. */
export function citationsOf(turn: Turn): TurnCitation[] {
  const cited = turn.sentences.flatMap((sentence, at) => marksOf(sentence).map((citation) => ({ ...citation, sentence: at })));
  return cited.length > 0 ? cited : turn.quotes.map((quote) => ({ ...quote, sentence: null }));
}

/** Where in that order a citation or quote stands; -1 when nowhere. */
export function placeOf(turn: Turn, wanted: Citation | Quote, sentence: number | null = null): number {
  const all = citationsOf(turn);
  const there = all.findIndex((one) => sentence !== null && one.sentence === sentence && one.source === wanted.source);
  if (there >= 0) return there;
  const exact = all.findIndex((one) => one.source === wanted.source && one.at.start === wanted.at.start && one.at.page === wanted.at.page);
  return exact >= 0 ? exact : all.findIndex((one) => one.source === wanted.source);
}

/** The source of a number. */
export function sourceOf(turn: Turn, number: number): Source | undefined {
  return turn.sources.find((source) => source.number === number);
}

/** A source's line: "version 2 · page 14". */
export function placeLine(source: Source, joint = ' · '): string {
  return [source.version_name, source.place].filter(Boolean).join(joint);
}

/** A mark's name: "Citation 1, Fire Strategy Report, page 14, supports this sentence". */
export function markName(number: number, source: Source | undefined, state: Sentence['state'] | 'quote'): string {
  const bears =
    state === 'quote'
      ? 'is quoted here'
      : state === 'contradicted'
        ? 'contradicts this sentence'
        : state === 'partly'
          ? 'supports this sentence in part'
          : 'supports this sentence';
  const parts = [`Citation ${number}`];
  if (source) parts.push(source.title, source.place);
  parts.push(bears);
  if (source && !source.current) parts.push(source.gone ? 'removed since' : 'changed since');
  return parts.filter(Boolean).join(', ');
}

/** What became of the cited documents since: those that changed and those that went away, each once. */
export function outdated(turn: Pick<Turn, 'sources' | 'outdated'>): { document: number; title: string; gone: boolean }[] {
  return turn.outdated.flatMap((document) => {
    const source = turn.sources.find((one) => one.document === document && !one.current);
    return source ? [{ document, title: source.title, gone: source.gone }] : [];
  });
}

/** "4 pages, 3 documents" */
export function sourcesCount(sources: Source[]): { pages: number; documents: number } {
  return {
    pages: new Set(sources.map((source) => `${source.version}.${source.page}`)).size,
    documents: new Set(sources.map((source) => source.document)).size,
  };
}

/** A sentence shortened to its end, for the viewer's citation bar: "…2,150 mm clear between handrails". */
export function tail(text: string, most = 72): string {
  const trimmed = text.trim().replace(/[.!?]+$/, '');
  if (trimmed.length <= most) return trimmed;
  const cut = trimmed.slice(-most);
  return `…${cut.slice(cut.indexOf(' ') + 1)}`;
}

/** Where a short lead sentence ends, 0 where the answer has none worth its weight. */
export function leadEnd(answer: string, most = 90): number {
  const match = /^[^\n]*?[.?!…](?=\s)/u.exec(answer);
  if (!match || match[0].length > most || match[0].length < 4) return 0;
  // "1. First" or "No. 4" is no sentence.
  if (/^(\d+|[-*•]|\w{1,2})[.)]?$/u.test(match[0].trim())) return 0;
  return match[0].length;
}

/** The answer with its marks and a list of its sources, for pasting elsewhere. */
export function withSources(turn: Turn): string {
  let text = '';
  if (turn.sentences.length === 0) text = turn.answer;
  for (const sentence of turn.sentences) {
    const words = turn.answer.slice(sentence.start, sentence.end);
    const trimmed = words.trimEnd();
    const marks = marksOf(sentence).map((citation) => `[${citation.source}]`).join('');
    text += trimmed + (marks ? ` ${marks}` : '') + words.slice(trimmed.length);
  }
  const list = turn.sources.map((source) => `[${source.number}] ${source.title}, ${placeLine(source, ', ')}`);
  return [text.trim(), ...(list.length ? ['', ...list] : [])].join('\n');
}
