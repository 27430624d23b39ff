// What tells things of the same title apart in one list. Pure.

export interface Titled {
  /** Names the thing: several rows of one document are no two things. */
  key: string | number;
  title: string;
  /** What may tell it apart, best first: a file's name, its folder, its size. Empty where it has none. */
  tells: readonly string[];
}

/** For each thing whose title another one has too, the words by which it differs; the fewest that tell it from all of them. */
export function apart(things: readonly Titled[]): Map<Titled['key'], string> {
  const titled = new Map<string, Map<Titled['key'], Titled>>();
  for (const one of things) {
    const title = one.title.trim().replace(/\s+/g, ' ').toLocaleLowerCase();
    titled.set(title, (titled.get(title) ?? new Map<Titled['key'], Titled>()).set(one.key, one));
  }
  const words = new Map<Titled['key'], string>();
  for (const same of titled.values()) {
    for (const one of same.values()) {
      let others = [...same.values()].filter((other) => other !== one);
      const said: string[] = [];
      for (const [at, tell] of one.tells.entries()) {
        if (!tell || others.every((other) => other.tells[at] === tell)) continue;
        said.push(tell);
        others = others.filter((other) => other.tells[at] === tell);
      }
      if (said.length > 0) words.set(one.key, said.join(', '));
    }
  }
  return words;
}
