// Which component shows which screen, what takes the whole window, and what lies over it.
import type { Component } from 'svelte';
import type { Screen } from './core/router.svelte';
import Ask from './features/ask/Ask.svelte';

/** The screens of the sidebar. */
export const SCREENS: Partial<Record<Screen, Component>> = {
  ask: Ask,
};

/** Before or instead of the sidebar: no vault yet, a locked or damaged vault, the first run of an open one. */
export const WHOLE: { fresh?: Component; locked?: Component; welcome?: Component } = {};

/** Over every screen: they show themselves when they are wanted. */
export const OVERLAYS: Component[] = [];
