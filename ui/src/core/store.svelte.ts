// What the interface knows: facts of the status bar, settings, spaces, conversations, turns and jobs, kept true by the one
// stream of events. Screens read it; only this file writes it.
import type {
  Conversation,
  ConversationRow,
  Envelope,
  Event,
  Grounding,
  Job,
  Offer,
  Settings,
  Space,
  Status,
  Turn,
  TurnNews,
  VaultState,
} from './bindings';
import { announcer, notices } from './notices.svelte';
import { reduceConversation, reduceJobs, reduceTurn, takenBack, wholeWords, type Doing } from './reduce';
import { router } from './router.svelte';
import { asDoorError, type Args, type CommandName, type DoorError, type Reply, type Transport } from './transport';

const PAINT_MS = 33;
const KEPT_TURNS = 32;
/** The least time between two rounds of asking anew for what went stale. */
const REST_MS = 250;

const DEFAULTS: Settings = {
  theme: null,
  text_percent: null,
  single_key_shortcuts: null,
  announce: null,
  lock_after_minutes: null,
  answer_within_s: null,
  keep_traces_days: null,
  review_low_support: null,
  last_space: null,
  welcomed: null,
  panes: null,
};

/** A question that waits for the running one of its conversation. */
export interface Waiting {
  space: number;
  conversation: number;
  text: string;
  attachments: number[];
  grounding: Grounding;
}

/** Files held over the window, or let go on it. */
export interface Drag {
  over: boolean;
  x: number;
  y: number;
}

class Store {
  /** How far the start has come. */
  phase = $state<'starting' | 'fresh' | 'locked' | 'unusable' | 'open' | 'failed'>('starting');
  startError = $state.raw<DoorError | null>(null);
  /** Whether the stream of events is up. */
  connected = $state(false);
  vault = $state.raw<VaultState | null>(null);
  status = $state.raw<Status | null>(null);
  settings = $state.raw<Settings>(DEFAULTS);
  spaces = $state.raw<Space[]>([]);
  spaceId = $state<number | null>(null);
  conversations = $state.raw<ConversationRow[]>([]);
  conversation = $state.raw<Conversation | null>(null);
  conversationError = $state.raw<DoorError | null>(null);
  /** What running turns are doing, by turn. */
  doing = $state.raw<Record<number, Doing>>({});
  /** What stood on screen of a turn's answer and was taken back, by turn: kept while the vault is open, in memory only. */
  taken = $state.raw<Record<number, string>>({});
  jobs = $state.raw<Job[]>([]);
  /** Questions that wait, in the order they were written. */
  queue = $state.raw<Waiting[]>([]);
  drag = $state.raw<Drag>({ over: false, x: 0, y: 0 });
  dropped = $state.raw<{ offer: Offer; x: number; y: number } | null>(null);

  space = $derived(this.spaces.find((space) => space.id === this.spaceId) ?? null);
  running = $derived(this.conversation?.turns.find((turn) => turn.state === 'running') ?? null);
  waiting = $derived(this.queue.filter((one) => one.conversation === this.conversation?.id));
  lastTurn = $derived(this.conversation?.turns.at(-1) ?? null);

  #transport: Transport | null = null;
  #seq: number | null = null;
  #listeners = new Map<string, Set<() => void>>();
  #stale = new Set<string>();
  #resting = false;
  #events = new Set<(event: Event) => void>();
  /** Turns as events told them since the stream began; what a conversation read meanwhile may be older. */
  #turns = new Map<number, { conversation: number; turn: Turn }>();
  #onLock = new Set<() => void>();
  /** Counts the locks: what was asked for before one is not taken after it. */
  #locks = 0;
  /** Jobs that events told of while they are asked for; the reply may be older. */
  #jobsTold: Job[] | null = null;
  /** Counts, by command, how often it was asked and what an event told in its stead: only the newest is taken. */
  #rounds = new Map<CommandName, number>();
  #painting: ReturnType<typeof setTimeout> | null = null;

  /** Asks a command of the door. */
  call<K extends CommandName>(name: K, args: Args<K>): Promise<Reply<K>> {
    if (!this.#transport) return Promise.reject(asDoorError(new Error('Not connected yet.')));
    return this.#transport.call(name, args);
  }

  /** Asks a command; a failure becomes `null`, and a notice unless `failed` takes it. */
  async attempt<K extends CommandName>(name: K, args: Args<K>, failed: (error: DoorError) => void = (error) => notices.failed(error)): Promise<Reply<K> | null> {
    const locks = this.#locks;
    try {
      const reply = await this.call(name, args);
      return locks === this.#locks ? reply : null;
    } catch (thrown) {
      if (locks !== this.#locks) return null;
      const error = asDoorError(thrown);
      if (error.code === 'locked') await this.refreshVault();
      else failed(error);
      return null;
    }
  }

  #round(name: CommandName): number {
    const round = (this.#rounds.get(name) ?? 0) + 1;
    this.#rounds.set(name, round);
    return round;
  }

  /** Asks a command; `null` when it failed, or when something newer of it is asked or told by the time it answers. */
  async #newest<K extends CommandName>(name: K, args: Args<K>): Promise<Reply<K> | null> {
    const round = this.#round(name);
    const reply = await this.attempt(name, args);
    return round === this.#rounds.get(name) ? reply : null;
  }

  /** Runs when what a command answered may be stale. Returns the way to stop. */
  onStale(commands: CommandName[], run: () => void): () => void {
    for (const command of commands) {
      const set = this.#listeners.get(command) ?? new Set();
      set.add(run);
      this.#listeners.set(command, set);
    }
    return () => commands.forEach((command) => this.#listeners.get(command)?.delete(run));
  }

  /** Locks the vault now. */
  async lock(): Promise<void> {
    const vault = await this.attempt('LockVault', {});
    if (vault) this.enter(vault);
  }

  /** Runs when the vault locks: whoever keeps something of it lets it go. */
  onLock(run: () => void): void {
    this.#onLock.add(run);
  }

  /** Runs at each event. Returns the way to stop. */
  onEvent(run: (event: Event) => void): () => void {
    this.#events.add(run);
    return () => this.#events.delete(run);
  }

  /** Starts: the vault, the status, and when open all the rest. */
  async start(transport: Transport): Promise<() => void> {
    this.#transport = transport;
    this.#stale.clear();
    this.#resting = false;
    const end = transport.follow(
      (envelope) => this.receive(envelope),
      () => {
        this.connected = false;
        this.#seq = null;
      },
    );
    await this.refreshVault();
    return end;
  }

  /** Reads how the vault stands, and opens the rest when it is open. */
  async refreshVault(): Promise<void> {
    try {
      this.enter(await this.call('GetVault', {}));
    } catch (thrown) {
      this.startError = asDoorError(thrown);
      this.phase = 'failed';
    }
  }

  /** Takes a vault state, from a reply or the status. */
  enter(vault: VaultState): void {
    const before = this.phase;
    this.vault = vault;
    if (vault.kind === 'open') {
      if (before !== 'open') void this.#open();
      return;
    }
    this.phase = vault.kind;
    if (before === 'open') this.#forgetAll();
    void this.#refreshStatus();
  }

  async #open(): Promise<void> {
    const locks = this.#locks;
    try {
      const [settings, spaces] = await Promise.all([
        this.call('GetSettings', {}),
        this.call('ListSpaces', {}),
        this.#refreshStatus(),
      ]);
      if (locks !== this.#locks) return;
      this.settings = settings;
      this.spaces = spaces;
      const last = spaces.find((space) => space.id === settings.last_space) ?? spaces[0];
      this.spaceId = last?.id ?? null;
      await Promise.all([this.refreshConversations(), this.refreshJobs()]);
      if (locks === this.#locks) this.phase = 'open';
    } catch (thrown) {
      this.startError = asDoorError(thrown);
      this.phase = 'failed';
    }
  }

  /** Nothing of the vault stays on the page, nor what is still on its way to it. */
  #forgetAll(): void {
    this.#locks++;
    this.settings = DEFAULTS;
    this.conversation = null;
    this.conversationError = null;
    this.conversations = [];
    this.jobs = [];
    this.spaces = [];
    this.spaceId = null;
    this.queue = [];
    this.doing = {};
    this.taken = {};
    this.dropped = null;
    this.drag = { over: false, x: 0, y: 0 };
    this.#turns.clear();
    this.#stale.clear();
    if (this.#painting) clearTimeout(this.#painting);
    this.#painting = null;
    notices.forget();
    announcer.forget();
    for (const run of this.#onLock) run();
    router.reset();
  }

  /** Reads the facts of the status bar. Afterwards the stream tells each change of them. */
  async #refreshStatus(): Promise<void> {
    const round = this.#round('GetStatus');
    try {
      const status = await this.call('GetStatus', {});
      if (round === this.#rounds.get('GetStatus')) this.status = status;
    } catch {
      // The status bar keeps what it knew; the stream brings the next one.
    }
  }

  async refreshSpaces(): Promise<void> {
    this.spaces = (await this.#newest('ListSpaces', {})) ?? this.spaces;
  }

  async refreshConversations(): Promise<void> {
    if (this.spaceId === null) return;
    this.conversations = (await this.#newest('ListConversations', { space: this.spaceId })) ?? this.conversations;
  }

  async refreshJobs(): Promise<void> {
    if (this.spaceId === null) return;
    const told: Job[] = [];
    this.#jobsTold = told;
    const jobs = await this.#newest('ListJobs', { space: this.spaceId });
    if (jobs) this.jobs = told.reduce(reduceJobs, jobs);
    if (this.#jobsTold === told) this.#jobsTold = null;
  }

  /** Changes settings; shown at once, kept by the vault. */
  async set(change: Partial<Settings>): Promise<void> {
    this.settings = { ...this.settings, ...change };
    try {
      const kept = await this.call('SetSettings', { settings: { ...DEFAULTS, ...change } });
      this.settings = kept;
    } catch (thrown) {
      notices.failed(thrown);
    }
  }

  /** Remembers a pane's width, for this space. */
  pane(name: string, fallback: number): number {
    return this.settings.panes?.[this.#paneKey(name)] ?? fallback;
  }

  setPane(name: string, width: number): void {
    void this.set({ panes: { ...(this.settings.panes ?? {}), [this.#paneKey(name)]: Math.round(width) } });
  }

  #paneKey(name: string): string {
    return this.spaceId === null ? name : `${name}.${this.spaceId}`;
  }

  /** Changes to another space. */
  async openSpace(id: number): Promise<void> {
    if (id === this.spaceId) return;
    this.spaceId = id;
    this.conversation = null;
    this.conversations = [];
    this.jobs = [];
    void this.set({ last_space: id });
    if (router.place.screen === 'ask') router.go('ask');
    await Promise.all([this.refreshConversations(), this.refreshJobs()]);
  }

  /** Opens a conversation, or the home of the space with `null`. */
  async openConversation(id: number | null): Promise<void> {
    router.go('ask', { conversation: id });
    this.conversationError = null;
    if (id === null) {
      this.conversation = null;
      return;
    }
    if (this.conversation?.id === id) return;
    await this.#load(id);
  }

  async #load(id: number): Promise<void> {
    const locks = this.#locks;
    try {
      const conversation = await this.call('GetConversation', { conversation: id });
      if (locks !== this.#locks) return;
      // On another screen the open conversation is kept fresh too: Ask goes back to it.
      const open = router.place.screen !== 'ask' && this.conversation?.id === id;
      if (router.place.conversation !== id && !open) return;
      if (conversation.space !== this.spaceId && this.spaces.some((space) => space.id === conversation.space)) {
        this.spaceId = conversation.space;
        void this.refreshConversations();
        void this.refreshJobs();
      }
      this.conversation = this.#merged(conversation);
    } catch (thrown) {
      if (locks !== this.#locks || router.place.conversation !== id) return;
      this.conversation = null;
      this.conversationError = asDoorError(thrown);
    }
  }

  /** Asks in the open conversation, or begins one. While a turn runs the question waits. */
  async ask(text: string, attachments: number[], grounding: Grounding, failed?: (error: DoorError) => void): Promise<boolean> {
    if (this.spaceId === null) return false;
    if (this.running && this.conversation) {
      this.queue = [...this.queue, { space: this.spaceId, conversation: this.conversation.id, text, attachments, grounding }];
      return true;
    }
    const conversation = router.place.screen === 'ask' ? (this.conversation?.id ?? null) : null;
    const asked = await this.attempt('Ask', { space: this.spaceId, conversation, text, attachments, grounding }, failed);
    if (!asked) return false;
    await this.#reveal(asked.conversation);
    return true;
  }

  async #reveal(conversation: number): Promise<void> {
    if (this.conversation?.id !== conversation || router.place.conversation !== conversation) {
      router.go('ask', { conversation });
      await this.#load(conversation);
    }
    void this.refreshConversations();
  }

  /** Stops the running turn; what waits behind it then has its turn. */
  async stop(): Promise<void> {
    if (this.running) await this.attempt('StopTurn', { turn: this.running.id });
  }

  async regenerate(turn: number, grounding: Grounding | null = null): Promise<void> {
    const asked = await this.attempt('Regenerate', { turn, grounding });
    if (asked) await this.#replaced(turn, asked.conversation);
  }

  async editQuestion(turn: number, text: string): Promise<boolean> {
    const asked = await this.attempt('EditQuestion', { turn, text });
    if (asked) await this.#replaced(turn, asked.conversation);
    return asked !== null;
  }

  async #replaced(old: number, conversation: number): Promise<void> {
    if (this.conversation?.id === conversation) {
      this.conversation = { ...this.conversation, turns: this.conversation.turns.filter((turn) => turn.id !== old) };
    }
    await this.#load(conversation);
  }

  /** Takes jobs that a command answered with, before events tell of them. */
  takeJobs(jobs: Job[]): void {
    for (const job of jobs) {
      if (job.space === this.spaceId && !this.jobs.some((other) => other.id === job.id)) this.jobs = reduceJobs(this.jobs, job);
    }
  }

  /** Takes one event from the stream. A gap means: ask again for what is on screen. */
  receive(envelope: Envelope): void {
    const gap = this.#seq !== null && envelope.seq !== this.#seq + 1;
    const first = !this.connected;
    this.#seq = envelope.seq;
    this.connected = true;
    this.#apply(envelope.event);
    for (const run of [...this.#events]) run(envelope.event);
    if (gap) this.#turns.clear();
    if (gap || (first && this.phase === 'open')) this.#refetch();
  }

  /** Whether the vault is known to be closed: a late event of it is not kept. */
  get #shut(): boolean {
    return this.phase === 'locked' || this.phase === 'fresh' || this.phase === 'unusable';
  }

  #refetch(): void {
    void this.#refreshStatus();
    void this.refreshSpaces();
    void this.refreshConversations();
    void this.refreshJobs();
    if (this.conversation) void this.#load(this.conversation.id);
    for (const set of this.#listeners.values()) for (const run of [...set]) run();
  }

  #apply(event: Event): void {
    switch (event.kind) {
      case 'status':
        this.#round('GetStatus');
        this.status = event.status;
        this.enter(event.status.vault);
        break;
      case 'turn':
        if (!this.#shut) this.#turn(event.conversation, event.turn, event.news);
        break;
      case 'job':
        if (event.job.space !== this.spaceId) break;
        this.jobs = reduceJobs(this.jobs, event.job);
        this.#jobsTold?.push(event.job);
        break;
      case 'drag':
        this.drag = { over: event.over, x: event.x, y: event.y };
        break;
      case 'dropped':
        this.drag = { over: false, x: event.x, y: event.y };
        // Nobody can say where they go while the vault is locked.
        if (this.phase === 'open') this.dropped = { offer: event.offer, x: event.x, y: event.y };
        break;
      case 'stale':
        for (const command of event.commands) this.#stale.add(command);
        if (!this.#resting) this.#askAnew();
        break;
      case 'hello':
      case 'model':
      case 'focused':
        break;
    }
  }

  /** Asks anew for what went stale: at once, then at most every REST_MS, since an import tells of every file. */
  #askAnew(): void {
    const commands = [...this.#stale];
    this.#stale.clear();
    this.#resting = commands.length > 0;
    if (!this.#resting) return;
    setTimeout(() => this.#askAnew(), REST_MS);
    for (const command of commands) {
      if (command === 'ListSpaces') void this.refreshSpaces();
      if (command === 'ListConversations') void this.refreshConversations();
      if (command === 'ListJobs') void this.refreshJobs();
      if (command === 'GetConversation' && this.conversation && !this.running) void this.#load(this.conversation.id);
      for (const run of [...(this.#listeners.get(command) ?? [])]) run();
    }
  }

  #turn(conversation: number, id: number, news: TurnNews): void {
    if (news.kind === 'doing') {
      this.doing = { ...this.doing, [id]: { what: news.what, tokensPerSecond: news.tokens_per_second } };
      return;
    }
    const before = this.#turns.get(id)?.turn;
    const turn = reduceTurn(before, news);
    const taken = before && turn && before !== turn ? takenBack(before, turn) : '';
    if (taken) this.taken = { ...this.taken, [id]: taken };
    const kept = this.taken[id];
    if (kept && turn && turn.state !== 'running' && !takenBack({ ...turn, state: 'running', answer: kept, sentences: [] }, turn)) {
      // It came back.
      const { [id]: _, ...others } = this.taken;
      this.taken = others;
    }
    if (turn) this.#turns.set(id, { conversation, turn });
    if (this.#turns.size > KEPT_TURNS) {
      for (const [old, { turn }] of this.#turns) {
        if (turn.state !== 'running') {
          this.#turns.delete(old);
          break;
        }
      }
    }
    if (news.kind === 'began' || news.kind === 'ended') void this.refreshConversations();
    if (news.kind === 'words') {
      this.#painting ??= setTimeout(() => {
        this.#painting = null;
        for (const [running, { turn }] of this.#turns) if (turn.state === 'running') this.#show(running);
      }, PAINT_MS);
    } else {
      this.#show(id);
    }
    if (news.kind === 'ended') {
      const { [id]: _, ...rest } = this.doing;
      this.doing = rest;
      this.#ended(conversation);
    }
  }

  /** Puts a turn on screen as events told it: whole words only, but all that was checked. */
  #show(id: number): void {
    const known = this.#turns.get(id);
    if (!known || this.conversation?.id !== known.conversation) return;
    let turn = known.turn;
    if (turn.state === 'running') {
      const checked = turn.sentences.at(-1)?.end ?? 0;
      const { ready } = wholeWords(turn.answer);
      turn = { ...turn, answer: turn.answer.slice(0, Math.max(checked, ready.length)) };
    }
    this.conversation = reduceConversation(this.conversation, id, { kind: 'began', turn });
  }

  /** A conversation as read, with what events have told since. */
  #merged(conversation: Conversation): Conversation {
    let merged = conversation;
    for (const turn of conversation.turns) {
      if (turn.state === 'running' && !this.#turns.has(turn.id)) {
        this.#turns.set(turn.id, { conversation: conversation.id, turn });
      }
    }
    const newest = conversation.turns.at(-1)?.id ?? 0;
    for (const [id, known] of this.#turns) {
      if (known.conversation !== conversation.id) continue;
      const read = conversation.turns.find((turn) => turn.id === id);
      if (read ? read.state === 'running' : id > newest && known.turn.state === 'running') {
        merged = reduceConversation(merged, id, { kind: 'began', turn: known.turn });
      }
    }
    return merged;
  }

  /** Takes a waiting question back. */
  unqueue(waiting: Waiting): void {
    this.queue = this.queue.filter((one) => one !== waiting);
  }

  /** A turn ended: what waits behind it is asked, wherever the person is by now. */
  #ended(conversation: number): void {
    if (this.conversation?.id === conversation && this.settings.announce === 'ready') announcer.say('Answer ready.');
    const next = this.queue.find((one) => one.conversation === conversation);
    if (!next) return;
    this.unqueue(next);
    const { space, text, attachments, grounding } = next;
    void this.attempt('Ask', { space, conversation, text, attachments, grounding });
  }
}

export const store = new Store();
