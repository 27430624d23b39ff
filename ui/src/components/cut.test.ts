// What cut promises.
import { describe, expect, it } from 'vitest';
import { tellCut } from './cut';

function line(words: string, full: number, room: number): HTMLElement {
  const element = document.createElement('span');
  element.style.setProperty('text-overflow', 'ellipsis');
  element.textContent = words;
  Object.defineProperty(element, 'scrollWidth', { value: full, configurable: true });
  Object.defineProperty(element, 'clientWidth', { value: room, configurable: true });
  document.body.append(element);
  return element;
}

function point(element: HTMLElement): void {
  const listen = (event: Event) => tellCut(event);
  window.addEventListener('pointerover', listen);
  element.dispatchEvent(new Event('pointerover', { bubbles: true }));
  window.removeEventListener('pointerover', listen);
}

describe('words that are cut', () => {
  it('are told in full where they are pointed at', () => {
    const cut = line('  Fire Strategy\n Report ', 200, 120);
    point(cut);
    expect(cut.title).toBe('Fire Strategy Report');
  });

  it('are told of what stands around the pointer too', () => {
    const cut = line('', 200, 120);
    const inner = document.createElement('b');
    inner.textContent = 'Answered, by a rule';
    cut.append(inner);
    point(inner);
    expect(cut.title).toBe('Answered, by a rule');
  });

  it('say nothing twice where they fit, also after they were cut', () => {
    const cut = line('Report', 200, 120);
    point(cut);
    Object.defineProperty(cut, 'clientWidth', { value: 240, configurable: true });
    point(cut);
    expect(cut.hasAttribute('title')).toBe(false);
  });

  it('keep a title of their own', () => {
    const cut = line('report.pdf', 200, 120);
    cut.title = '/home/report.pdf';
    point(cut);
    expect(cut.title).toBe('/home/report.pdf');
  });
});
