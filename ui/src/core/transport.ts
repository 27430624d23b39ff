// The one door, whichever shell stands behind it. Chosen once, at start.
import type { CommandMap, Envelope, Error as DoorFailure, ErrorCode } from './bindings';

export type CommandName = keyof CommandMap;
export type Args<K extends CommandName> = CommandMap[K]['args'];
export type Reply<K extends CommandName> = CommandMap[K]['reply'];

/** An error as the door said it. The interface switches on `code` only. */
export class DoorError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | null;

  constructor(failure: DoorFailure) {
    super(failure.message);
    this.name = 'DoorError';
    this.code = failure.code;
    this.hint = failure.hint ?? null;
  }
}

/** Anything thrown, as a door error. */
export function asDoorError(thrown: unknown): DoorError {
  if (thrown instanceof DoorError) return thrown;
  if (isFailure(thrown)) return new DoorError(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new DoorError({ code: 'internal', message: `Hearth did not reply. ${message}`, hint: null });
}

/** Whether a value has the shape of an error at the door. */
export function isFailure(value: unknown): value is DoorFailure {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

export interface Transport {
  call<K extends CommandName>(name: K, args: Args<K>): Promise<Reply<K>>;
  /** Follows the one stream. `onLost` is told when it breaks; it is taken up again by itself. Returns the way to end it. */
  follow(onEnvelope: (envelope: Envelope) => void, onLost: () => void): () => void;
}

/** Picks the transport for where this page runs. */
export async function connect(): Promise<Transport> {
  if ('__TAURI_INTERNALS__' in window) {
    const { tauri } = await import('./tauri');
    return tauri();
  }
  if (import.meta.env.DEV && !location.hash.includes('token=')) {
    const { fake } = await import('./fake/index');
    return fake(new URLSearchParams(location.search));
  }
  const { http } = await import('./http');
  return http();
}
