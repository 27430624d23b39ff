// Where the interface starts: one transport, one store, one window.
import { mount } from 'svelte';
import App from './App.svelte';
import { router } from './core/router.svelte';
import { store } from './core/store.svelte';
import { ui } from './core/ui.svelte';
import { applyLook } from './core/look';
import { asDoorError, connect } from './core/transport';
import './style/base.css';

applyLook(null);
const target = document.getElementById('app');
if (target) mount(App, { target });

connect()
  .then((transport) => store.start(transport))
  .catch((thrown: unknown) => {
    store.startError = asDoorError(thrown);
    store.phase = 'failed';
  });

// For a look around while the interface is being made; left out of what is built.
if (import.meta.env.DEV) {
  Object.assign(window, { hearthStore: store, hearthRouter: router, hearthUi: ui });
}
