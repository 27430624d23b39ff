// What http promises.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { http, lines, takeToken } from './http';
import type { DoorError } from './transport';

function stream(...parts: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(encoder.encode(part));
      controller.close();
    },
  });
}

async function all(body: ReadableStream<Uint8Array>): Promise<string[]> {
  const found = [];
  for await (const line of lines(body)) found.push(line);
  return found;
}

beforeEach(() => {
  sessionStorage.clear();
  history.replaceState(null, '', '/');
});
afterEach(() => vi.unstubAllGlobals());

describe('lines', () => {
  it('joins a line that arrives in pieces and parts lines that arrive together', async () => {
    expect(await all(stream('{"seq":', '1}\n{"seq":2}\n\n', '{"seq":3}'))).toEqual(['{"seq":1}', '{"seq":2}', '{"seq":3}']);
  });

  it('keeps a letter that is cut in its bytes', async () => {
    const bytes = new TextEncoder().encode('"ä"\n');
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes.slice(0, 2));
        controller.enqueue(bytes.slice(2));
        controller.close();
      },
    });
    expect(await all(body)).toEqual(['"ä"']);
  });
});

describe('the token', () => {
  it('is taken out of the address and kept for the tab', () => {
    history.replaceState(null, '', '/#token=s%2Fecret');
    expect(takeToken()).toBe('s/ecret');
    expect(location.hash).toBe('');
    expect(takeToken()).toBe('s/ecret');
  });

  it('is absent where none was given', () => expect(takeToken()).toBeNull());
});

describe('call', () => {
  it('sends the command with the token and gives the reply', async () => {
    history.replaceState(null, '', '/#token=abc');
    const fetched = vi.fn(async () => new Response(JSON.stringify([{ id: 1, name: 'A', documents: 0, memories: 0 }])));
    vi.stubGlobal('fetch', fetched);
    expect(await http().call('ListSpaces', {})).toHaveLength(1);
    const [path, init] = fetched.mock.calls[0] as unknown as [string, RequestInit];
    expect(path).toBe('/rpc');
    expect(init.body).toBe('{"name":"ListSpaces","args":{}}');
    expect((init.headers as Record<string, string>).authorization).toBe('Bearer abc');
  });

  it('throws the error that the door said, by its code', async () => {
    vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ error: { code: 'locked', message: 'The vault is locked.', hint: null } })));
    await expect(http().call('ListSpaces', {})).rejects.toMatchObject({ code: 'locked', message: 'The vault is locked.' } satisfies Partial<DoorError>);
  });

  it('says so when nothing answers, and when permission is missing', async () => {
    vi.stubGlobal('fetch', async () => {
      throw new TypeError('refused');
    });
    await expect(http().call('GetVault', {})).rejects.toMatchObject({ code: 'unavailable' });
    vi.stubGlobal('fetch', async () => new Response('no', { status: 401 }));
    await expect(http().call('GetVault', {})).rejects.toMatchObject({ code: 'denied' });
  });
});
