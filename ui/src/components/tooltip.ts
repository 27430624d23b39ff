// A tooltip: the name of an icon, or more of a cut line, shown on hover and focus after a moment. Decoration for sight: the
// control carries the same words for a screen reader.
import type { Attachment } from 'svelte/attachments';

const WAIT_MS = 400;
let shown: HTMLElement | null = null;
let timer: ReturnType<typeof setTimeout> | null = null;

function hide(): void {
  if (timer) clearTimeout(timer);
  timer = null;
  shown?.remove();
  shown = null;
}

function show(anchor: HTMLElement, text: string, side: Side): void {
  hide();
  if (!text || !anchor.isConnected) return;
  const tip = document.createElement('div');
  tip.className = 'hearth-tooltip';
  tip.textContent = text;
  tip.setAttribute('aria-hidden', 'true');
  // Inside an open dialog, so that it is above it.
  (anchor.closest('dialog') ?? document.body).append(tip);
  const at = anchor.getBoundingClientRect();
  const own = tip.getBoundingClientRect();
  let x = at.left + at.width / 2 - own.width / 2;
  let y = side === 'above' ? at.top - own.height - 6 : at.bottom + 6;
  if (side === 'right') {
    x = at.right + 8;
    y = at.top + at.height / 2 - own.height / 2;
  } else if (y + own.height > innerHeight - 4) {
    y = at.top - own.height - 6;
  } else if (y < 4) {
    y = at.bottom + 6;
  }
  tip.style.setProperty('left', `${Math.max(6, Math.min(x, innerWidth - own.width - 6))}px`);
  tip.style.setProperty('top', `${y}px`);
  shown = tip;
}

type Side = 'above' | 'below' | 'right';

/** Shows these words on hover and on keyboard focus. */
export function tooltip(text: () => string, side: Side = 'below'): Attachment<HTMLElement> {
  return (node) => {
    const soon = () => {
      if (timer) clearTimeout(timer);
      timer = setTimeout(() => show(node, text(), side), WAIT_MS);
    };
    const focused = () => {
      if (node.matches(':focus-visible')) soon();
    };
    node.addEventListener('pointerenter', soon);
    node.addEventListener('pointerleave', hide);
    node.addEventListener('pointerdown', hide);
    node.addEventListener('focusin', focused);
    node.addEventListener('focusout', hide);
    node.addEventListener('keydown', hide);
    return () => {
      hide();
      node.removeEventListener('pointerenter', soon);
      node.removeEventListener('pointerleave', hide);
      node.removeEventListener('pointerdown', hide);
      node.removeEventListener('focusin', focused);
      node.removeEventListener('focusout', hide);
      node.removeEventListener('keydown', hide);
    };
  };
}
