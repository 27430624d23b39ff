// F6: from region to region, in the order of the page.

/** The regions on screen now. */
export function regions(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('[data-region]')].filter(
    (region) => region.getClientRects().length > 0 && !region.closest('[inert]'),
  );
}

/** Moves focus to the next region, or the one before. */
export function cycleRegion(step: 1 | -1): void {
  const all = regions();
  if (all.length === 0) return;
  const active = document.activeElement;
  // The innermost region that holds focus: regions may lie in each other.
  let at = -1;
  all.forEach((region, index) => {
    if (region.contains(active)) at = index;
  });
  const next = all[(at + step + all.length) % all.length];
  next?.focus({ preventScroll: true });
}
