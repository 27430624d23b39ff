// The door of the desktop window: one command and one channel.
import { Channel, invoke } from '@tauri-apps/api/core';
import type { Envelope } from './bindings';
import { asDoorError, type Transport } from './transport';

/** A transport over the desktop shell. */
export function tauri(): Transport {
  return {
    async call(name, args) {
      try {
        return await invoke('rpc', { command: { name, args } });
      } catch (thrown) {
        throw asDoorError(thrown);
      }
    },
    follow(onEnvelope, onLost) {
      let on = true;
      const channel = new Channel<Envelope>();
      channel.onmessage = (envelope) => {
        if (on) onEnvelope(envelope);
      };
      invoke('subscribe', { channel }).catch(() => {
        if (on) onLost();
      });
      return () => {
        on = false;
      };
    },
  };
}
