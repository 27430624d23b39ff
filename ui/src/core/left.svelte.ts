// How long imports and downloads still take, for whoever shows it: the status bar looks every few seconds.
import type { Job, Status } from './bindings';
import { amountOf, paced, type Amount, type Pace } from './pace';

class TimeLeft {
  #files = $state.raw<Pace | null>(null);
  #counted = $state.raw<Pace | null>(null);
  #fetched = $state.raw<Pace | null>(null);
  #here = $state(false);

  /** Of reading files, in ms; none while unknown. */
  get imports(): number | null {
    return (this.#here ? this.#files : this.#counted)?.told ?? null;
  }

  /** Of downloads. */
  get downloads(): number | null {
    return this.#fetched?.told ?? null;
  }

  /** Looks at the work again. */
  look(status: Status | null, jobs: readonly Job[], at: number): void {
    const indexing: Amount | null = status?.indexing ?? null;
    const files = indexing && amountOf(jobs);
    const moving = jobs.filter((job) => job.state === 'running' || job.state === 'waiting').length;
    // Files of other spaces have no size here: where there are many of them, files are counted.
    this.#here = files !== null && indexing !== null && moving >= (indexing.total - indexing.done) * 0.8;
    this.#files = paced(this.#files, files, at);
    this.#counted = paced(this.#counted, indexing, at);
    this.#fetched = paced(this.#fetched, status?.downloads ?? null, at);
  }

  /** Nothing is under way any more. */
  forget(): void {
    this.#files = this.#counted = this.#fetched = null;
  }
}

export const timeLeft = new TimeLeft();
