// A scripted backend in memory, for `npm run dev` and for tests. It is never part of a production build.
import type { Transport } from './transport';
export function fake(_scene: URLSearchParams): Transport {
  throw new Error('not written');
}
