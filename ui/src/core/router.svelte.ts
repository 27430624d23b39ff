// Where the person is. Kept inside: the address never changes, so nothing of it lands in a history file.

export type Screen = 'ask' | 'library' | 'memory' | 'models' | 'activity' | 'privacy';

export interface Place {
  screen: Screen;
  /** Ask: the open conversation; none is the home of the space. */
  conversation: number | null;
  /** Library: show files on their way instead of the table. */
  ingest: boolean;
  /** Library: the document to select. */
  document: number | null;
  /** Activity: the turn whose trace is shown. */
  turn: number | null;
  /** Activity: the question that waits for a person, to be answered. */
  review: number | null;
  /** Models: the comparison that is shown; 0 is a new one. */
  comparison: number | null;
  /** Privacy: the rule to show. */
  rule: number | null;
}

const NOWHERE: Omit<Place, 'screen'> = { conversation: null, ingest: false, document: null, turn: null, review: null, comparison: null, rule: null };

class Router {
  place = $state.raw<Place>({ screen: 'ask', ...NOWHERE });
  #past: Place[] = [];

  /** Goes to a screen. */
  go(screen: Screen, more: Partial<Omit<Place, 'screen'>> = {}): void {
    const next = { screen, ...NOWHERE, ...more };
    if (JSON.stringify(next) === JSON.stringify(this.place)) return;
    this.#past = [...this.#past.slice(-49), this.place];
    this.place = next;
  }

  /** Changes where we are without a step that can be taken back. */
  replace(more: Partial<Omit<Place, 'screen'>>): void {
    this.place = { ...this.place, ...more };
  }

  get canGoBack(): boolean {
    return this.#past.length > 0;
  }

  /** One step back. */
  back(): boolean {
    const last = this.#past.pop();
    if (!last) return false;
    this.place = last;
    return true;
  }

  reset(): void {
    this.#past = [];
    this.place = { screen: 'ask', ...NOWHERE };
  }
}

export const router = new Router();
