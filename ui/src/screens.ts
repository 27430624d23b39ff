// Which component shows which screen, what takes the whole window, and what lies over it.
import type { Component } from 'svelte';
import AskScreen from './AskScreen.svelte';
import type { Place, Screen } from './core/router.svelte';
import Drop from './features/drop/Drop.svelte';
import Activity from './features/activity/Activity.svelte';
import FirstRun from './features/firstrun/FirstRun.svelte';
import Ingest from './features/ingest/Ingest.svelte';
import Library from './features/library/Library.svelte';
import Memory from './features/memory/Memory.svelte';
import Models from './features/models/Models.svelte';
import Palette from './features/palette/Palette.svelte';
import Privacy from './features/privacy/Privacy.svelte';
import ChangePassphrase from './features/unlock/ChangePassphrase.svelte';
import Unlock from './features/unlock/Unlock.svelte';

/** The screens of the sidebar. */
const SCREENS: Partial<Record<Screen, Component>> = {
  ask: AskScreen,
  library: Library,
  memory: Memory,
  models: Models,
  activity: Activity,
  privacy: Privacy,
};

/** The screen of a place. */
export function screenOf(place: Place): Component | undefined {
  return place.screen === 'library' && place.ingest ? Ingest : SCREENS[place.screen];
}

/** Before or instead of the sidebar: no vault yet, a locked or damaged vault, the first run of an open one. */
export const WHOLE: { fresh?: Component; locked?: Component; welcome?: Component } = {
  fresh: FirstRun,
  locked: Unlock,
  welcome: FirstRun,
};

/** Over every screen: they show themselves when they are wanted. */
export const OVERLAYS: Component[] = [Drop, Palette, ChangePassphrase];
