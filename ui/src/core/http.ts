// The door over loopback HTTP, for a browser on this machine. The token comes in the address's hash, is taken out of it at
// once, and is kept for this tab only.
import type { Envelope } from './bindings';
import { asDoorError, DoorError, isFailure, type Transport } from './transport';

const KEY = 'hearth.token';
const RETRY_MS = 1000;

/** Takes the token out of the address, or finds the one this tab had. */
export function takeToken(): string | null {
  const match = /[#&]token=([^&]+)/.exec(location.hash);
  if (match?.[1]) {
    const token = decodeURIComponent(match[1]);
    try {
      sessionStorage.setItem(KEY, token);
    } catch {
      // Without storage the token lives as long as the page.
    }
    history.replaceState(null, '', location.pathname + location.search);
    return token;
  }
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Cuts a byte stream into lines; a line may arrive in pieces. */
export async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      rest += decoder.decode(value, { stream: true });
      let end = rest.indexOf('\n');
      while (end >= 0) {
        const line = rest.slice(0, end).trim();
        rest = rest.slice(end + 1);
        if (line) yield line;
        end = rest.indexOf('\n');
      }
    }
    rest += decoder.decode();
    if (rest.trim()) yield rest.trim();
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/** A transport over loopback HTTP. */
export function http(): Transport {
  const token = takeToken();
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (token) headers.authorization = `Bearer ${token}`;

  async function post(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
    try {
      return await fetch(path, { method: 'POST', headers, body: JSON.stringify(body), signal, cache: 'no-store' });
    } catch (thrown) {
      if (signal?.aborted) throw thrown;
      throw new DoorError({
        code: 'unavailable',
        message: 'Hearth is not answering on this machine.',
        hint: 'Start it again, then reload this page.',
      });
    }
  }

  return {
    async call(name, args) {
      const response = await post('/rpc', { name, args });
      const text = await response.text();
      let reply: unknown;
      try {
        reply = JSON.parse(text);
      } catch {
        throw new DoorError({
          code: response.status === 401 || response.status === 403 ? 'denied' : 'internal',
          message:
            response.status === 401 || response.status === 403
              ? 'This page has no permission to speak to Hearth.'
              : `Hearth replied with status ${response.status}.`,
          hint: 'Open the address that Hearth printed when it started.',
        });
      }
      if (typeof reply === 'object' && reply !== null && 'error' in reply && isFailure(reply.error)) {
        throw new DoorError(reply.error);
      }
      if (!response.ok) throw asDoorError(reply);
      return reply as never;
    },
    follow(onEnvelope, onLost) {
      const ending = new AbortController();
      (async () => {
        while (!ending.signal.aborted) {
          try {
            const response = await post('/events', {}, ending.signal);
            if (response.ok && response.body) {
              for await (const line of lines(response.body)) {
                if (ending.signal.aborted) return;
                onEnvelope(JSON.parse(line) as Envelope);
              }
            }
          } catch {
            // The stream broke: say so, then take it up again.
          }
          if (ending.signal.aborted) return;
          onLost();
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
      })();
      return () => ending.abort();
    },
  };
}
