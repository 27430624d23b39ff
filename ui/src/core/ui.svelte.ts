// What is open on screen besides the place: sidebar or rail, palette, help, the viewer, the next question's attachments.
// Features speak to each other through here; they never import each other.
import { citationsOf, sourceOf } from './citations';
import type { AttachedDocument, Kind, Label, Offer, Span, Turn, WatchedFolder } from './bindings';
import { notices } from './notices.svelte';
import { router } from './router.svelte';
import { store } from './store.svelte';

/** What the viewer shows: a document, and within it the span of a citation. */
export interface Viewing {
  document: number;
  version: number | null;
  page: number;
  span: Span | null;
  /** The turn whose citations the viewer steps through. */
  turn: number | null;
  /** Which citation of that turn. */
  at: number | null;
  /** Two versions shown side by side in place of the page. */
  compare?: { from: number; to: number };
}

/** Something attached to the next question: a document, or a file still being read. */
export interface Attachment {
  key: string;
  title: string;
  kind: Kind | null;
  document: number | null;
  job: number | null;
}

/** What is being written for a conversation, or at the home of a space. */
interface Draft {
  text: string;
  attachments: Attachment[];
  /** The turn whose question is being written anew. */
  editing: number | null;
}

const BLANK: Draft = { text: '', attachments: [], editing: null };

class Ui {
  width = $state(typeof innerWidth === 'number' ? innerWidth : 1440);
  height = $state(typeof innerHeight === 'number' ? innerHeight : 900);
  /** What a person chose with Ctrl B; none follows the width. */
  railChosen = $state<boolean | null>(null);
  rail = $derived(this.railChosen ?? this.width < 1181);
  narrow = $derived(this.width < 1181);
  small = $derived(this.width < 1000);
  low = $derived(this.height < 760);

  /** The room that a width gives, as it would be with text of the usual size. */
  room(width: number): number {
    return (width * 100) / (store.settings.text_percent ?? 100);
  }

  help = $state(false);
  preferences = $state(false);
  /** Whether the question about another passphrase is open. */
  passphrase = $state(false);
  /** The palette's first words; none is closed. */
  palette = $state<string | null>(null);
  viewing = $state.raw<Viewing | null>(null);
  /** One draft for each conversation and each home, kept in memory until the vault locks. */
  #drafts = $state.raw<Record<string, Draft>>({});
  /** Where a question would be asked from now: the key of its draft. */
  asking = $derived.by(() => {
    const conversation = router.place.screen === 'ask' ? router.place.conversation : (store.conversation?.id ?? null);
    return conversation === null ? `home ${store.spaceId}` : `conversation ${conversation}`;
  });
  /** Files handed over by a dialog or paste, waiting for a choice of where they go. */
  offer = $state.raw<Offer | null>(null);
  #composer: (() => void) | null = null;
  #lastViewing: Viewing | null = null;

  #write(change: Partial<Draft>): void {
    const { [this.asking]: before = BLANK, ...others } = this.#drafts;
    const draft = { ...before, ...change };
    const blank = draft.text === '' && draft.attachments.length === 0 && draft.editing === null;
    this.#drafts = blank ? others : { ...others, [this.asking]: draft };
  }

  /** The words of the next question. */
  get draft(): string {
    return this.#drafts[this.asking]?.text ?? '';
  }

  set draft(text: string) {
    if (text !== this.draft) this.#write({ text });
  }

  /** What is attached to it. */
  get attachments(): Attachment[] {
    return this.#drafts[this.asking]?.attachments ?? BLANK.attachments;
  }

  set attachments(attachments: Attachment[]) {
    this.#write({ attachments });
  }

  /** The turn whose question it puts anew. */
  get editing(): number | null {
    return this.#drafts[this.asking]?.editing ?? null;
  }

  set editing(editing: number | null) {
    if (editing !== this.editing) this.#write({ editing });
  }

  /** Gives a question back that could not be asked, where it was written, unless another was begun there. */
  giveBack(asking: string, draft: Draft): void {
    if (!this.#drafts[asking]) this.#drafts = { ...this.#drafts, [asking]: draft };
  }

  /** The vault was locked: nothing of what was written, attached or shown stays. */
  forget(): void {
    this.#drafts = {};
    this.offer = null;
    this.palette = null;
    this.help = false;
    this.preferences = false;
    this.passphrase = false;
    this.forgetViewer();
  }

  /** Goes offline at once: nothing is sent and nothing is fetched until another mode is chosen. */
  async goOffline(): Promise<void> {
    if (!(await store.attempt('SetMode', { mode: 'offline' }))) return;
    notices.say('Offline. Nothing is sent and nothing is fetched until another mode is chosen.', { action: { label: 'Open Privacy', run: () => router.go('privacy') } });
  }

  openPalette(words = ''): void {
    this.palette = words;
  }

  toggleSidebar(): void {
    this.railChosen = !this.rail;
  }

  /** The composer says how it takes focus. */
  composer(focus: () => void): () => void {
    this.#composer = focus;
    return () => {
      if (this.#composer === focus) this.#composer = null;
    };
  }

  focusComposer(): void {
    // Once the place it lives in is drawn.
    setTimeout(() => this.#composer?.(), 0);
  }

  view(viewing: Viewing): void {
    this.viewing = viewing;
    this.#lastViewing = viewing;
  }

  /** Opens a document of the library in the viewer, at Ask. */
  openDocument(document: number, version: number | null = null, page = 0, span: Span | null = null): void {
    if (router.place.screen !== 'ask') router.go('ask', { conversation: store.conversation?.id ?? null });
    this.view({ document, version, page, span, turn: null, at: null });
  }

  /** Opens a citation of a turn, by its place in reading order. */
  openCitation(turn: Turn, at: number): boolean {
    const citation = citationsOf(turn)[at];
    const source = citation && sourceOf(turn, citation.source);
    if (!citation || !source) return false;
    this.view({ document: source.document, version: citation.at.version, page: citation.at.page, span: citation.at, turn: turn.id, at });
    return true;
  }

  /** Shows what changed in a document since an answer used it. */
  compareWithUsed(turn: Turn, document: number): void {
    const used = turn.sources.find((source) => source.document === document && !source.current);
    if (!used) return;
    void store.attempt('OpenVersion', { document, version: null }).then((now) => {
      if (now) this.view({ document, version: now.version, page: 0, span: null, turn: turn.id, at: null, compare: { from: used.version, to: now.version } });
    });
  }

  /** Shows what changed from one document to another that is nearly the same. */
  compareDocuments(before: number, after: { document: number; version: number }): void {
    if (router.place.screen !== 'ask') router.go('ask', { conversation: store.conversation?.id ?? null });
    this.view({ ...after, page: 0, span: null, turn: null, at: null, compare: { from: before, to: after.version } });
  }

  /** Steps to the next or previous citation of the turn in the viewer, else of this one. */
  stepCitation(turn: Turn | null, step: 1 | -1): boolean {
    if (!turn) return false;
    const all = citationsOf(turn);
    if (all.length === 0) return false;
    const now = this.viewing?.turn === turn.id ? this.viewing.at : null;
    const next = now === null ? (step === 1 ? 0 : all.length - 1) : (now + step + all.length) % all.length;
    return this.openCitation(turn, next);
  }

  closeViewer(): void {
    this.viewing = null;
  }

  toggleViewer(): boolean {
    if (this.viewing) this.viewing = null;
    else if (this.#lastViewing) this.viewing = this.#lastViewing;
    else return false;
    return true;
  }

  forgetViewer(): void {
    this.viewing = null;
    this.#lastViewing = null;
  }

  /** Attaches a document to the next question. */
  attach(document: AttachedDocument): void {
    const key = `d${document.document}`;
    if (this.attachments.some((other) => other.key === key || other.document === document.document)) return;
    this.attachments = [
      ...this.attachments,
      { key, title: document.title, kind: document.kind, document: document.document, job: null },
    ];
  }

  /** Attaches files that are still being read. */
  attachJobs(jobs: { id: number; name: string; kind: Kind | null; document: number | null }[]): void {
    const next = jobs.map((job) => ({
      key: `j${job.id}`,
      title: job.name,
      kind: job.kind,
      document: job.document,
      job: job.id,
    }));
    this.attachments = [...this.attachments.filter((one) => !next.some((other) => other.key === one.key)), ...next];
  }

  detach(key: string): void {
    this.attachments = this.attachments.filter((one) => one.key !== key);
  }

  /** Asks about one document: attached to a new question. */
  async askAbout(document: AttachedDocument): Promise<void> {
    await store.openConversation(null);
    this.attach(document);
    this.focusComposer();
  }

  /** Opens the system's file dialog, or the page's own where the shell has none; then asks where the files go. */
  async addFiles(folder = false): Promise<void> {
    if (store.status?.dialogs) {
      const offer = await store.attempt('ChooseFiles', { folder });
      if (offer) this.offer = offer;
      return;
    }
    const input = document.createElement('input');
    input.type = 'file';
    input.multiple = true;
    if (folder) input.webkitdirectory = true;
    input.addEventListener('change', () => void this.offerFiles([...(input.files ?? [])]));
    input.click();
  }

  /** Opens the system's dialog for folders that the space stays in step with. */
  async watchFolder(): Promise<void> {
    if (store.spaceId === null) return;
    this.#watching(await store.attempt('ChooseWatched', { space: store.spaceId, label: null }));
  }

  /** Stays in step with the folder of an offer. */
  async watchOffer(offer: Offer, label: Label | null): Promise<void> {
    if (store.spaceId === null) return;
    this.#watching(await store.attempt('WatchOffer', { offer: offer.id, space: store.spaceId, label }));
  }

  #watching(folders: WatchedFolder[] | null): void {
    const first = folders?.[0];
    if (!first) return;
    notices.say(`${store.space?.name ?? 'This space'} stays in step with ${folders.length === 1 ? first.name : `${folders.length} folders`} now.`);
  }

  /** Hands bytes of files over; then asks where they go. */
  async offerFiles(files: File[]): Promise<Offer | null> {
    if (files.length === 0) return null;
    try {
      const offered = await Promise.all(files.map(async (file) => ({ name: file.name, base64: await base64(file) })));
      const offer = await store.attempt('OfferFiles', { files: offered });
      if (offer) this.offer = offer;
      return offer;
    } catch {
      notices.say('These files could not be read by this page.', { tone: 'danger' });
      return null;
    }
  }

  /** Imports an offer; kept in the space, or only for the next question. */
  async importOffer(offer: Offer, keep: boolean, label: Label | null): Promise<void> {
    if (store.spaceId === null) return;
    const jobs = await store.attempt('ImportOffer', {
      offer: offer.id,
      space: store.spaceId,
      destination: keep ? { kind: 'keep' } : { kind: 'question', conversation: store.conversation?.id ?? null },
      label,
    });
    if (!jobs) return;
    store.takeJobs(jobs);
    if (keep && offer.folder !== null && store.status?.dialogs) {
      notices.say(`${offer.folder} was added as it is now. Should changes in it be followed?`, {
        tone: 'info',
        action: { label: 'Watch this folder', run: () => void this.watchOffer(offer, label) },
      });
    }
    if (keep) {
      router.go('library', { ingest: true });
    } else {
      this.attachJobs(jobs);
      if (router.place.screen !== 'ask') router.go('ask', { conversation: store.conversation?.id ?? null });
      this.focusComposer();
    }
  }
}

/** A file's bytes as base64, without blocking on a giant string. */
export async function base64(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      const url = String(reader.result);
      resolve(url.slice(url.indexOf(',') + 1));
    };
    reader.onerror = () => reject(reader.error ?? new Error('unreadable'));
    reader.readAsDataURL(file);
  });
}

export const ui = new Ui();
store.onLock(() => ui.forget());
