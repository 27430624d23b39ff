// The keyboard map: one list, shown by `?`, matched here, handled by whoever is on screen. The latest to ask is first.

export interface Shortcut {
  id: string;
  /** As matched: modifiers then key, joined by "+". "Mod" is Ctrl, or Cmd on macOS. */
  keys: string[];
  /** As the list says it. */
  says: string;
  /** Works only when no field has focus, and can be switched off. */
  single?: boolean;
}

export const SHORTCUTS = [
  { id: 'palette', keys: ['Mod+k'], says: 'Search everything' },
  { id: 'new', keys: ['Mod+n'], says: 'New question' },
  { id: 'go-ask', keys: ['Mod+1'], says: 'Ask' },
  { id: 'go-library', keys: ['Mod+2'], says: 'Library' },
  { id: 'go-memory', keys: ['Mod+3'], says: 'Memory' },
  { id: 'go-models', keys: ['Mod+4'], says: 'Models' },
  { id: 'go-activity', keys: ['Mod+5'], says: 'Activity' },
  { id: 'go-privacy', keys: ['Mod+6'], says: 'Privacy' },
  { id: 'sidebar', keys: ['Mod+b'], says: 'Sidebar or rail' },
  { id: 'viewer', keys: ['Mod+\\'], says: 'Viewer open or closed' },
  { id: 'find', keys: ['Mod+f'], says: 'Find in what has focus' },
  { id: 'add', keys: ['Mod+u'], says: 'Add files' },
  { id: 'lock', keys: ['Mod+Shift+l'], says: 'Lock the vault' },
  { id: 'offline', keys: ['Mod+Shift+o'], says: 'Go offline at once' },
  { id: 'escape', keys: ['Escape'], says: 'Stop, or close what is open' },
  { id: 'next-citation', keys: [']'], says: 'Next citation', single: true },
  { id: 'previous-citation', keys: ['['], says: 'Previous citation', single: true },
  {
    id: 'citation',
    keys: ['Alt+1', 'Alt+2', 'Alt+3', 'Alt+4', 'Alt+5', 'Alt+6', 'Alt+7', 'Alt+8', 'Alt+9'],
    says: 'Open that citation',
  },
  { id: 'trace', keys: ['t'], says: 'How the answer was made', single: true },
  { id: 'move-down', keys: ['j'], says: 'Next in a list', single: true },
  { id: 'move-up', keys: ['k'], says: 'Previous in a list', single: true },
  { id: 'select', keys: ['x'], says: 'Select in a list', single: true },
  { id: 'preview', keys: ['Space'], says: 'Preview in a list', single: true },
  { id: 'remove', keys: ['Delete'], says: 'Forget or remove, with undo', single: true },
  { id: 'region', keys: ['F6'], says: 'Next region' },
  { id: 'region-back', keys: ['Shift+F6'], says: 'Previous region' },
  { id: 'help', keys: ['?'], says: 'This list', single: true },
] as const satisfies readonly Shortcut[];

export type ShortcutId = (typeof SHORTCUTS)[number]['id'];

/** Whether this machine writes Cmd for Ctrl. */
export const mac = typeof navigator !== 'undefined' && /mac/i.test(navigator.platform ?? '');

/** The chord that a key event is, as the map writes it. */
export function chord(event: KeyboardEvent, onMac = mac): string {
  const parts: string[] = [];
  if (onMac ? event.metaKey : event.ctrlKey) parts.push('Mod');
  if (event.altKey) parts.push('Alt');
  let key = event.key;
  if (key === ' ') key = 'Space';
  // With Alt some layouts give another letter: the key's place names the digit.
  if (event.altKey && /^Digit\d$/.test(event.code)) key = event.code.slice(5);
  const letter = key.length === 1 && /\p{L}/u.test(key);
  if (event.shiftKey && (key.length > 1 || letter)) parts.push('Shift');
  parts.push(key.length === 1 ? key.toLowerCase() : key);
  return parts.join('+');
}

/** Whether typing goes into this element. */
export function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return (
    target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'submit', 'range'].includes(target.type)
  );
}

/** Whether this element uses a plain key itself (Space and Enter on buttons, arrows in menus). */
function usesKey(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement) || key !== 'Space') return false;
  return target.matches('button, a[href], input, summary, [role="option"], [role="menuitem"], [role="switch"]');
}

/** A handler says `false` when it did not want the key; the next one is asked. */
export type Handler = (event: KeyboardEvent) => boolean | void;

export class Keyboard {
  /** Whether single letters are shortcuts. */
  singles = true;
  #handlers = new Map<ShortcutId, Handler[]>();

  /** Handles a shortcut until the returned function is called. The latest handler is asked first; one that is `last` only
   *  after all others, whenever it came. */
  on(id: ShortcutId, handler: Handler, last = false): () => void {
    const list = this.#handlers.get(id) ?? [];
    if (last) list.push(handler);
    else list.unshift(handler);
    this.#handlers.set(id, list);
    return () => {
      const now = this.#handlers.get(id);
      if (now) this.#handlers.set(id, now.filter((other) => other !== handler));
    };
  }

  /** Several at once. */
  all(handlers: Partial<Record<ShortcutId, Handler>>, last = false): () => void {
    const ends = Object.entries(handlers).map(([id, handler]) => this.on(id as ShortcutId, handler, last));
    return () => ends.forEach((end) => end());
  }

  /** Offers an event to the map; true when somebody took it. */
  press(event: KeyboardEvent): boolean {
    if (event.defaultPrevented || event.isComposing) return false;
    const pressed = chord(event);
    for (const shortcut of SHORTCUTS as readonly Shortcut[]) {
      if (!shortcut.keys.includes(pressed)) continue;
      if (shortcut.single && (!this.singles || isField(event.target) || usesKey(event.target, pressed))) continue;
      // A dialog is modal, and closes itself.
      if (document.querySelector('dialog[open]')) continue;
      for (const handler of [...(this.#handlers.get(shortcut.id as ShortcutId) ?? [])]) {
        if (handler(event) !== false) {
          event.preventDefault();
          return true;
        }
      }
    }
    return false;
  }
}

export const keyboard = new Keyboard();

/** A chord as people read it: "Ctrl K". */
export function readable(keys: string, onMac = mac): string {
  return keys
    .split('+')
    .map((part) => {
      if (part === 'Mod') return onMac ? 'Cmd' : 'Ctrl';
      if (part === 'Escape') return 'Esc';
      return part.length === 1 ? part.toUpperCase() : part;
    })
    .join(' ');
}

/** The first chord of a shortcut, readable. */
export function keysOf(id: ShortcutId): string {
  const found = (SHORTCUTS as readonly Shortcut[]).find((shortcut) => shortcut.id === id);
  return found?.keys[0] ? readable(found.keys[0]) : '';
}
