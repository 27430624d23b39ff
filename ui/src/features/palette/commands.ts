// What the palette can do besides finding: each command, its words, its deed.
import ArrowUp from '@lucide/svelte/icons/arrow-up';
import Bookmark from '@lucide/svelte/icons/bookmark';
import CornerDownRight from '@lucide/svelte/icons/corner-down-right';
import Cpu from '@lucide/svelte/icons/cpu';
import Folder from '@lucide/svelte/icons/folder';
import KeyRound from '@lucide/svelte/icons/key-round';
import Keyboard from '@lucide/svelte/icons/keyboard';
import Library from '@lucide/svelte/icons/library';
import ListTree from '@lucide/svelte/icons/list-tree';
import Lock from '@lucide/svelte/icons/lock';
import MessageSquareText from '@lucide/svelte/icons/message-square-text';
import Moon from '@lucide/svelte/icons/moon';
import PanelLeft from '@lucide/svelte/icons/panel-left';
import Plus from '@lucide/svelte/icons/plus';
import Shield from '@lucide/svelte/icons/shield';
import SlidersHorizontal from '@lucide/svelte/icons/sliders-horizontal';
import Sun from '@lucide/svelte/icons/sun';
import WifiOff from '@lucide/svelte/icons/wifi-off';
import type { Component } from 'svelte';
import { keysOf } from '../../core/keys';
import { router } from '../../core/router.svelte';
import { store } from '../../core/store.svelte';
import { ui } from '../../core/ui.svelte';
import type { Command } from './palette';

export interface Deed extends Command {
  icon: Component<Record<string, unknown>>;
  run: () => void;
}

/** The icon of asking the typed words. */
export const ASK_ICON: Component<Record<string, unknown>> = ArrowUp;

/** What can be done now. */
export function deeds(): Deed[] {
  const dark = store.settings.theme === 'dark' || (store.settings.theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  const list: Deed[] = [
    { id: 'new', label: 'New question', aside: keysOf('new'), icon: MessageSquareText, run: () => void store.openConversation(null).then(() => ui.focusComposer()) },
    { id: 'add', label: 'Add files', aside: keysOf('add'), also: 'import upload documents', icon: Plus, run: () => void ui.addFiles() },
    { id: 'add-folder', label: 'Add a folder', aside: '', also: 'import directory documents', icon: Folder, run: () => void ui.addFiles(true) },
    { id: 'library', label: 'Library', aside: keysOf('go-library'), also: 'documents files go open', icon: Library, run: () => router.go('library') },
    { id: 'on-the-way', label: 'Files on the way', aside: 'Library', also: 'import jobs indexing progress', icon: CornerDownRight, run: () => router.go('library', { ingest: true }) },
    { id: 'memory', label: 'Memory', aside: keysOf('go-memory'), also: 'remember forget go open', icon: Bookmark, run: () => router.go('memory') },
    { id: 'models', label: 'Models', aside: keysOf('go-models'), also: 'download get load go open', icon: Cpu, run: () => router.go('models') },
    { id: 'activity', label: 'Activity', aside: keysOf('go-activity'), also: 'record audit trace history go open', icon: ListTree, run: () => router.go('activity') },
    { id: 'privacy', label: 'Privacy', aside: keysOf('go-privacy'), also: 'rules policy network offline go open', icon: Shield, run: () => router.go('privacy') },
    { id: 'offline', label: 'Go offline', aside: keysOf('offline'), also: 'network mode privacy disconnect', icon: WifiOff, run: () => void ui.goOffline() },
    { id: 'lock', label: 'Lock the vault', aside: keysOf('lock'), also: 'close sign out', icon: Lock, run: () => void store.lock() },
    { id: 'passphrase', label: store.vault?.kind === 'open' && !store.vault.passphrase ? 'Set a passphrase' : 'Change the passphrase', aside: 'Vault', also: 'password keyring', icon: KeyRound, run: () => (ui.passphrase = true) },
    { id: 'preferences', label: 'Preferences', aside: '', also: 'settings theme text size shortcuts announcements', icon: SlidersHorizontal, run: () => (ui.preferences = true) },
    { id: 'theme', label: dark ? 'Light theme' : 'Dark theme', aside: 'Preferences', also: 'ash soot appearance', icon: dark ? Sun : Moon, run: () => void store.set({ theme: dark ? 'light' : 'dark' }) },
    { id: 'sidebar', label: ui.rail ? 'Show the sidebar' : 'Fold the sidebar', aside: keysOf('sidebar'), also: 'rail', icon: PanelLeft, run: () => ui.toggleSidebar() },
    { id: 'keys', label: 'Keyboard', aside: keysOf('help'), also: 'shortcuts help keys', icon: Keyboard, run: () => (ui.help = true) },
  ];
  for (const space of store.spaces) {
    if (space.id === store.spaceId) continue;
    list.push({
      id: `space-${space.id}`,
      label: `Go to ${space.name}`,
      aside: 'Space',
      also: 'switch open',
      icon: Folder,
      run: () => {
        ui.forgetViewer();
        void store.openSpace(space.id);
      },
    });
  }
  return list;
}
