// The icon of each mode, wherever the mode is said.
import House from '@lucide/svelte/icons/house';
import ShieldQuestion from '@lucide/svelte/icons/shield-question-mark';
import WifiOff from '@lucide/svelte/icons/wifi-off';
import type { Component } from 'svelte';
import type { Mode } from '../core/bindings';

export const MODE_ICON: Record<Mode, Component<Record<string, unknown>>> = { offline: WifiOff, local_only: House, ask_before_remote: ShieldQuestion };
