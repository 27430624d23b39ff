// Files that were made for a person: kept where the system's dialog says, or handed to the browser as a download. Nothing is
// fetched; the bytes are here.
import type { ExportedFile } from './bindings';
import { store } from './store.svelte';

/** The bytes of a file that came as base64. */
export function bytesOf(file: Pick<ExportedFile, 'base64'>): Uint8Array<ArrayBuffer> {
  const text = atob(file.base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** Text as such a file. */
export function textFile(name: string, mime: string, text: string): ExportedFile {
  let bytes = '';
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return { name, mime, base64: btoa(bytes), sentence: '' };
}

/** Offers a file for saving under its name. */
export async function save(file: ExportedFile): Promise<void> {
  if (store.status?.dialogs) {
    await store.attempt('SaveFile', { file });
    return;
  }
  const address = URL.createObjectURL(new Blob([bytesOf(file)], { type: file.mime }));
  const link = document.createElement('a');
  link.href = address;
  link.download = file.name;
  link.click();
  // The browser has taken the bytes by the next turn of its loop, but not by this one.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
