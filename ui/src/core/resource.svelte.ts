// What a command answered, for a screen: asked when its arguments change, asked again when it goes stale, with the four
// waits of the design (nothing, dimmed, skeleton, named).
import { store } from './store.svelte';
import { asDoorError, type Args, type CommandName, type DoorError, type Reply } from './transport';

const DIM_MS = 100;
const SLOW_MS = 400;
const LONG_MS = 2000;

export interface Resource<T> {
  readonly data: T | null;
  readonly error: DoorError | null;
  /** Asked, not yet answered. */
  readonly pending: boolean;
  /** How long it has been asked for: under 100 ms show nothing, then dim, then a skeleton, then name the thing. */
  readonly wait: 'none' | 'dim' | 'skeleton' | 'long';
  refresh(): void;
  /** Puts another value in its place until it is asked again. */
  set(data: T): void;
}

/** Asks a command while the component lives. Call it while the component is set up; `null` arguments ask nothing. */
export function resource<K extends CommandName>(
  name: K,
  args: () => Args<K> | null,
  also: CommandName[] = [],
): Resource<Reply<K>> {
  let data = $state.raw<Reply<K> | null>(null);
  let error = $state.raw<DoorError | null>(null);
  let pending = $state(false);
  let wait = $state<'none' | 'dim' | 'skeleton' | 'long'>('none');
  let round = 0;
  let current: Args<K> | null = null;

  async function ask(): Promise<void> {
    if (!current) return;
    const mine = ++round;
    pending = true;
    const timers = [
      setTimeout(() => mine === round && (wait = 'dim'), DIM_MS),
      setTimeout(() => mine === round && (wait = 'skeleton'), SLOW_MS),
      setTimeout(() => mine === round && (wait = 'long'), LONG_MS),
    ];
    try {
      const reply = await store.call(name, current);
      if (mine !== round) return;
      data = reply;
      error = null;
    } catch (thrown) {
      if (mine !== round) return;
      error = asDoorError(thrown);
    } finally {
      timers.forEach(clearTimeout);
      if (mine === round) {
        pending = false;
        wait = 'none';
      }
    }
  }

  $effect(() => {
    current = args();
    if (current === null) {
      round++;
      pending = false;
      wait = 'none';
      data = null;
      error = null;
    } else {
      void ask();
    }
  });
  $effect(() => store.onStale([name, ...also], () => void ask()));

  return {
    get data() {
      return data;
    },
    get error() {
      return error;
    },
    get pending() {
      return pending;
    },
    get wait() {
      return wait;
    },
    refresh: () => void ask(),
    set: (value) => {
      round++;
      pending = false;
      wait = 'none';
      data = value;
    },
  };
}
