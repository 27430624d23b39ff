// Notices: short lines that pass by. They stay 6 s, or 10 s with an undo, and wait while pointed at or focused.
import { asDoorError } from './transport';

export interface Notice {
  id: number;
  text: string;
  tone: 'done' | 'info' | 'danger';
  action: { label: string; run: () => void } | null;
  ms: number;
}

class Notices {
  list = $state.raw<Notice[]>([]);
  #next = 1;

  /** Shows a notice; an action keeps it for 10 s. */
  say(text: string, options: { tone?: Notice['tone']; action?: Notice['action'] } = {}): number {
    const id = this.#next++;
    const action = options.action ?? null;
    this.list = [...this.list.slice(-3), { id, text, tone: options.tone ?? 'done', action, ms: action ? 10_000 : 6_000 }];
    return id;
  }

  /** Shows what went wrong, and what to do. */
  failed(thrown: unknown): void {
    const error = asDoorError(thrown);
    this.say(error.hint ? `${error.message} ${error.hint}` : error.message, { tone: 'danger' });
  }

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  /** The vault was locked: what they say of it goes, and what they would undo. */
  forget(): void {
    this.list = [];
  }
}

export const notices = new Notices();

class Announcer {
  text = $state('');
  #flip = false;

  /** Says something to a screen reader, politely. */
  say(text: string): void {
    this.#flip = !this.#flip;
    // A repeated sentence is said again only when the text differs.
    this.text = this.#flip ? text : `${text}\u200b`;
  }

  /** The vault was locked: the last words do not stay where a screen reader finds them. */
  forget(): void {
    this.text = '';
  }
}

export const announcer = new Announcer();
