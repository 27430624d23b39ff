// Pages as pictures or text, asked for once and kept for a while. Picture bytes become blob addresses: nothing remote, and
// nothing that the content policy would refuse.
import type { PageView, Picture, Span } from './bindings';
import { store } from './store.svelte';

const KEPT = 48;

export interface Page extends PageView {
  /** Address of the picture, where there is one. */
  url: string | null;
}

const cache = new Map<string, Promise<Page>>();

/** A blob address of picture bytes. */
export function pictureUrl(picture: Picture): string {
  const binary = atob(picture.base64);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return URL.createObjectURL(new Blob([bytes], { type: 'image/png' }));
}

/** One page at a width, with boxes for spans. */
export function getPage(version: number, page: number, width: number, spans: Span[]): Promise<Page> {
  const key = JSON.stringify([version, page, width, spans.map((span) => [span.start, span.end])]);
  const known = cache.get(key);
  if (known) {
    cache.delete(key);
    cache.set(key, known);
    return known;
  }
  const asked = store.call('GetPage', { version, page, width_px: width, spans }).then((view) => ({
    ...view,
    url: view.picture ? pictureUrl(view.picture) : null,
  }));
  cache.set(key, asked);
  asked.catch(() => cache.delete(key));
  while (cache.size > KEPT) {
    const oldest = cache.entries().next().value;
    if (!oldest) break;
    cache.delete(oldest[0]);
    // Given a moment, so that a picture still on screen is not taken away.
    void oldest[1].then((old) => old.url && setTimeout(() => URL.revokeObjectURL(old.url ?? ''), 30_000)).catch(() => undefined);
  }
  return asked;
}

/** Forgets every page: the vault was locked, or documents changed. */
export function forgetPages(): void {
  for (const [key, asked] of cache) {
    cache.delete(key);
    void asked.then((old) => old.url && URL.revokeObjectURL(old.url)).catch(() => undefined);
  }
}

store.onLock(forgetPages);

/** Whether a kind is shown as pictures of its pages. */
export function isPaged(kind: string): boolean {
  return kind === 'pdf' || kind === 'picture';
}
