// What keys promises.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { chord, isField, Keyboard, readable, SHORTCUTS } from './keys';

function press(keyboard: Keyboard, key: string, more: KeyboardEventInit = {}, target: HTMLElement = document.body): KeyboardEvent {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more });
  target.addEventListener('keydown', (seen) => keyboard.press(seen as KeyboardEvent), { once: true });
  target.dispatchEvent(event);
  return event;
}

afterEach(() => document.body.replaceChildren());

describe('chord', () => {
  it.each([
    [{ key: 'k', ctrlKey: true }, 'Mod+k'],
    [{ key: 'L', ctrlKey: true, shiftKey: true }, 'Mod+Shift+l'],
    [{ key: '?', shiftKey: true }, '?'],
    [{ key: '¡', code: 'Digit1', altKey: true }, 'Alt+1'],
    [{ key: ' ' }, 'Space'],
    [{ key: 'F6', shiftKey: true }, 'Shift+F6'],
    [{ key: '\\', ctrlKey: true }, 'Mod+\\'],
  ])('%j', (init, expected) => expect(chord(new KeyboardEvent('keydown', init), false)).toBe(expected));

  it('takes Cmd on macOS, not Ctrl', () => {
    expect(chord(new KeyboardEvent('keydown', { key: 'k', metaKey: true }), true)).toBe('Mod+k');
    expect(chord(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true }), true)).toBe('k');
  });
});

describe('the map', () => {
  it('has no chord twice', () => {
    const all = SHORTCUTS.flatMap((shortcut) => shortcut.keys as readonly string[]);
    expect(new Set(all).size).toBe(all.length);
  });

  it('reads as people write it', () => {
    expect(readable('Mod+Shift+l', false)).toBe('Ctrl Shift L');
    expect(readable('Mod+k', true)).toBe('Cmd K');
  });
});

describe('Keyboard', () => {
  it('leaves every key to an open dialog', () => {
    const keyboard = new Keyboard();
    const handler = vi.fn();
    keyboard.on('escape', handler);
    const dialog = document.createElement('dialog');
    dialog.setAttribute('open', '');
    document.body.append(dialog);
    expect(press(keyboard, 'Escape').defaultPrevented).toBe(false);
    expect(handler).not.toHaveBeenCalled();
  });

  it('asks the latest handler first, and the next when it does not want the key', () => {
    const keyboard = new Keyboard();
    const order: string[] = [];
    keyboard.on('escape', () => void order.push('first'));
    keyboard.on('escape', () => {
      order.push('second');
      return false;
    });
    expect(press(keyboard, 'Escape').defaultPrevented).toBe(true);
    expect(order).toEqual(['second', 'first']);
  });

  it('asks the window last, though it came last', () => {
    const keyboard = new Keyboard();
    const order: string[] = [];
    keyboard.on('escape', () => {
      order.push('screen');
      return false;
    });
    keyboard.all({ escape: () => void order.push('window') }, true);
    press(keyboard, 'Escape');
    expect(order).toEqual(['screen', 'window']);
  });

  it('stops asking a handler that ended', () => {
    const keyboard = new Keyboard();
    const handler = vi.fn();
    keyboard.on('new', handler)();
    expect(press(keyboard, 'n', { ctrlKey: true }).defaultPrevented).toBe(false);
    expect(handler).not.toHaveBeenCalled();
  });

  it('leaves single letters to fields, and to nobody when they are off', () => {
    const keyboard = new Keyboard();
    const handler = vi.fn();
    keyboard.on('trace', handler);
    const field = document.createElement('textarea');
    document.body.append(field);
    press(keyboard, 't', {}, field);
    expect(handler).not.toHaveBeenCalled();
    press(keyboard, 't');
    expect(handler).toHaveBeenCalledTimes(1);
    keyboard.singles = false;
    press(keyboard, 't');
    expect(handler).toHaveBeenCalledTimes(1);
  });

  it('works with modifiers in a field', () => {
    const keyboard = new Keyboard();
    const handler = vi.fn();
    keyboard.on('palette', handler);
    const field = document.createElement('input');
    document.body.append(field);
    press(keyboard, 'k', { ctrlKey: true }, field);
    expect(handler).toHaveBeenCalledTimes(1);
  });

  it('knows a field from a control', () => {
    const box = document.createElement('input');
    box.type = 'checkbox';
    expect(isField(box)).toBe(false);
    expect(isField(document.createElement('input'))).toBe(true);
    expect(isField(document.createElement('button'))).toBe(false);
  });
});
