// What is pointed at in a conversation: a sentence and its source light together, and after a moment a preview opens.
import type { Citation, Source } from '../../core/bindings';
import { store } from '../../core/store.svelte';

const PREVIEW_MS = 150;
const LEAVE_MS = 120;

export interface Preview {
  citation: Citation;
  source: Source;
  note: string | null;
  anchor: HTMLElement;
}

class Lit {
  turn = $state<number | null>(null);
  sentence = $state<number | null>(null);
  source = $state<number | null>(null);
  preview = $state.raw<Preview | null>(null);
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** A mark was pointed at. */
  mark(turn: number, sentence: number | null, preview: Preview): void {
    this.turn = turn;
    this.sentence = sentence;
    this.source = preview.citation.source;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.preview = preview), this.preview ? 0 : PREVIEW_MS);
  }

  /** A source row was pointed at. */
  row(turn: number, source: number): void {
    this.turn = turn;
    this.source = source;
    this.sentence = null;
  }

  /** Pointed away. */
  leave(): void {
    this.turn = null;
    this.sentence = null;
    this.source = null;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.preview = null), LEAVE_MS);
  }

  /** The pointer is on the preview itself. */
  stay(): void {
    if (this.#timer) clearTimeout(this.#timer);
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.preview = null;
  }

  /** The vault was locked: no passage stays. */
  forget(): void {
    this.close();
    this.turn = null;
    this.sentence = null;
    this.source = null;
  }
}

export const lit = new Lit();
store.onLock(() => lit.forget());
