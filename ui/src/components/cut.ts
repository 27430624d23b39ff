// Words that an ellipsis cuts are told in full where they are pointed at. One place for all of them: the window listens.

/** Whether words of this element are cut: at the end of its line, or of its last line. */
function isCut(element: HTMLElement): boolean {
  const style = getComputedStyle(element);
  if (style.textOverflow === 'ellipsis') return element.scrollWidth > element.clientWidth;
  const clamp = style.getPropertyValue('-webkit-line-clamp');
  return clamp !== '' && clamp !== 'none' && element.scrollHeight > element.clientHeight + 1;
}

/** Gives what is pointed at its whole words as a title while they are cut, and takes it away again. */
export function tellCut(event: Event): void {
  let at = event.target instanceof HTMLElement ? event.target : null;
  for (let up = 0; at && up < 4; up++, at = at.parentElement) {
    const own = at.dataset.cut !== undefined;
    if (at.title && !own) return;
    const cut = isCut(at);
    if (cut) {
      at.title = (at.textContent ?? '').trim().replace(/\s+/g, ' ');
      at.dataset.cut = '';
      return;
    }
    if (own) {
      at.removeAttribute('title');
      delete at.dataset.cut;
    }
  }
}
