// Names by which a person finds things on the page, as XPath for the window and the browser alike.

const text = (words) => `normalize-space(.)=${quote(words)}`;

function quote(words) {
  return words.includes('"') ? `'${words}'` : `"${words}"`;
}

/** A button by its name. */
export const button = (name) => `//button[${text(name)} or @aria-label=${quote(name)}]`;

/** A button whose name begins so. */
export const buttonLike = (name) => `//button[starts-with(normalize-space(.), ${quote(name)}) or starts-with(@aria-label, ${quote(name)})]`;

/** A field by what is typed in it. */
export const password = '//input[@type="password"]';

/** The composer. */
export const composer = '//textarea[@aria-label="Question"]';
