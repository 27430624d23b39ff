// Theme and text size on the root element. The theme is also kept beside the page, for the screens before the vault opens.
import type { Settings } from './bindings';

const KEY = 'hearth.theme';

function remembered(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Applies what a person chose; `null` before the settings can be read. */
export function applyLook(settings: Settings | null): void {
  const root = document.documentElement;
  const theme = settings ? (settings.theme ?? 'system') : (remembered() ?? 'system');
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  else delete root.dataset.theme;
  if (!settings) return;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Without storage the lock screen follows the system.
  }
  const percent = Math.max(90, Math.min(140, settings.text_percent ?? 100));
  root.style.setProperty('font-size', `${percent}%`);
}
