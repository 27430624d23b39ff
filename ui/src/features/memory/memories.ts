// What is remembered, in its two groups, and its words. Pure.
import type { Memory } from '../../core/bindings';
import { date, plural } from '../../core/format';

export interface Groups {
  here: Memory[];
  everywhere: Memory[];
}

/** Memories of this space and of every space, newest first, that hold the words. */
export function groups(memories: readonly Memory[], words = ''): Groups {
  const asked = words.trim().toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const found = memories
    .filter((memory) => asked.every((word) => memory.text.toLocaleLowerCase().includes(word)))
    .sort((a, b) => b.created_ms - a.created_ms || b.id - a.id);
  return { here: found.filter((memory) => memory.space !== null), everywhere: found.filter((memory) => memory.space === null) };
}

/** How often a memory was used: "Not used yet", "Used once", "Used twice", "Used 11 times". */
export function usedWords(used: number): string {
  if (used === 0) return 'Not used yet';
  if (used === 1) return 'Used once';
  if (used === 2) return 'Used twice';
  return `Used ${plural(used, 'time')}`;
}

/** How a memory was learnt: "You asked, 2 March". */
export function learntWords(memory: Memory, now = Date.now()): string {
  return `${memory.learnt}, ${date(memory.created_ms, now)}`;
}
