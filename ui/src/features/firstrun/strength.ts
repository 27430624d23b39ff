// How hard a passphrase is to guess, roughly; a hint, never a rule. Pure.

export type Strength = 0 | 1 | 2 | 3 | 4;

const COMMON = /^(pass(word|phrase)?|qwerty|letmein|welcome|admin|hearth|iloveyou|12345|abc)/i;

/** Bits that a guesser faces, counted low: words at 11 bits, other characters by their kind, repeats at nothing. */
export function guessBits(passphrase: string): number {
  const words = passphrase.trim().split(/[\s\-_.,]+/).filter((word) => word.length >= 3);
  const distinctWords = new Set(words.map((word) => word.toLowerCase())).size;
  const characters = [...passphrase];
  const kinds =
    (/\p{Ll}/u.test(passphrase) ? 26 : 0) + (/\p{Lu}/u.test(passphrase) ? 26 : 0) + (/\d/.test(passphrase) ? 10 : 0) + (/[^\p{L}\d]/u.test(passphrase) ? 20 : 0);
  const distinct = new Set(characters).size;
  // Long runs of few characters add little, and people choose words rather than chance.
  const byCharacter = Math.min(characters.length, distinct * 1.6) * Math.log2(Math.max(2, kinds)) * 0.62;
  const byWords = distinctWords >= 3 ? distinctWords * 11 : 0;
  const bits = byWords > 0 ? Math.min(Math.max(byWords, 0), byCharacter + 8) : byCharacter;
  return COMMON.test(passphrase) && distinctWords < 3 ? Math.min(bits, 20) : bits;
}

/** The hint: 0 nothing, 1 too easy, 2 fair, 3 good, 4 strong. */
export function strength(passphrase: string): Strength {
  if (passphrase.length === 0) return 0;
  if ([...passphrase].length < 8) return 1;
  const bits = guessBits(passphrase);
  if (bits < 30) return 1;
  if (bits < 42) return 2;
  if (bits < 54) return 3;
  return 4;
}

/** The hint in words. */
export function strengthWords(passphrase: string): string {
  const short = passphrase.length > 0 && [...passphrase].length < 8;
  if (short) return 'At least 8 characters.';
  return ['Four or more words are easy to keep and hard to guess.', 'Easy to guess. Add words.', 'Fair. Another word makes it good.', 'Good.', 'Strong.'][strength(passphrase)] ?? '';
}
