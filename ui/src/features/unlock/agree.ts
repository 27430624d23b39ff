// Whether two typings of a new passphrase will do. Pure.

/** What is wrong with them, if anything. */
export function agree(first: string, second: string): string | null {
  if (first.length === 0) return 'Write a passphrase.';
  if ([...first].length < 8) return 'Use at least 8 characters. Four or more words are easy to keep and hard to guess.';
  if (first !== second) return 'The two are not the same.';
  return null;
}
