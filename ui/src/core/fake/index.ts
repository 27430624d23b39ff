// A scripted backend in memory, for `npm run dev` and for tests: realistic data, a stream that moves. It is never part of a
// production build. The address chooses a scene: `?vault=fresh|locked`, `?first`, `?empty`, `?slow`, `?same`, `?organization`, `?wild`, `?theme=dark`.
import type { Budget, Collector, CommandMap, DocumentRow, Envelope, Event, Job, Mode, Offer, Privacy, RemotePreview, Review, Settings, Space, Status, Turn, VaultState, WatchedFolder } from '../bindings';
import { DoorError, type CommandName, type Transport } from '../transport';
import * as contests from './contests';
import * as more from './more';
import * as remote from './remote';
import { draw, PAPERS, textOf } from './papers';
import * as turns from './turns';
import { wild } from './wild';

const GB = 2 ** 30;

type Handlers = { [K in CommandName]?: (args: CommandMap[K]['args']) => CommandMap[K]['reply'] | Promise<CommandMap[K]['reply']> };

/** A scripted backend. */
export function fake(scene = new URLSearchParams(), clock: () => number = Date.now): Transport {
  const now = clock();
  const empty = scene.has('empty');
  const pace = Number(scene.get('pace') ?? 40);
  let vault: VaultState =
    scene.get('vault') === 'fresh'
      ? { kind: 'fresh', device: true }
      : scene.get('vault') === 'locked'
        ? { kind: 'locked', passphrase: true, device: true }
        : { kind: 'open', passphrase: true, device: true, locks_at_ms: now + 24 * 60_000 };
  let collector: Collector = { address: null, works: null, sentence: 'Nobody is told how questions were worked on.' };
  let settings: Settings = { theme: scene.get('theme'), text_percent: null, single_key_shortcuts: null, announce: null, lock_after_minutes: null, answer_within_s: null, keep_traces_days: null, review_low_support: null, last_space: empty ? 2 : 1, welcomed: !scene.has('first'), panes: null };
  const spaces: Space[] = [
    { id: 1, name: 'Lindgate Hospital', label: 'public', documents: 214, memories: 38 },
    { id: 2, name: 'Orchard Mill', label: 'public', documents: 0, memories: 0 },
    { id: 3, name: 'Practice and fees', label: 'public', documents: 61, memories: 4 },
  ];
  const kept = turns.conversations(now);
  const removed = new Map<number, turns.Kept>();
  let memories = more.memories(now);
  let watched: WatchedFolder[] = [
    { id: 1, space: 1, name: 'Issued drawings', path: '/home/hl/Issued drawings', label: 'internal', state: 'watching', words: 'Watching', files: 3, answering: 3, waiting: 0, problems: [{ path: 'photo.heic', why: 'Hearth does not read this kind of file.', job: null }], problems_total: 1, looked_ms: now },
    { id: 2, space: 1, name: 'Survey archive', path: '/media/survey', label: 'internal', state: 'not_reachable', words: 'Not reachable: the drive that it is on is not there. Its documents stay as they were.', files: 19, answering: 19, waiting: 0, problems: [], problems_total: 0, looked_ms: now },
  ];
  let jobs: Job[] = scene.has('quiet') ? [] : more.jobs(now);
  const models = more.models(scene.has('short'));
  const gone = new Set<number>();
  let mode: Mode = scene.has('ask') ? 'ask_before_remote' : 'local_only';
  let providers = scene.has('ask') ? [remote.MISTRAL] : [];
  let budget: Budget = { day: 1, person: 10, spaces: {} };
  const previews = new Map<number, RemotePreview>();
  const offers = new Map<number, Offer>();
  let next = 1000;

  let seq = 0;
  const followers = new Set<(envelope: Envelope) => void>();
  const timers = new Map<number, ReturnType<typeof setInterval>>();
  function tell(event: Event): void {
    const envelope = { seq: seq++, event: scene.has('wild') ? wild(event) : event };
    for (const follower of followers) follower(envelope);
  }

  function status(): Status {
    const working = timers.size > 0;
    return {
      version: '0.1.0',
      mode,
      model: { id: 'qwen3-14b', name: 'Qwen3 14B', state: { kind: working ? 'working' : 'ready' } },
      memory: { hearth_bytes: 9 * GB, others_bytes: 4.4 * GB, total_bytes: 32 * GB },
      vault,
      bytes_out_today: 0,
      indexing: scene.has('indexing') ? { done: 4, total: 10 } : null,
      downloads: null,
      data_dir: '~/.local/share/hearth',
      dialogs: false,
    };
  }

  const conversationOf = (turn: number) => kept.find((one) => one.turns.some((other) => other.id === turn));

  const reviews = new Map<number, Review>();
  function reviewed(id: number): Review {
    const found = reviews.get(id);
    if (!found) throw new DoorError({ code: 'not_found', message: 'This does not wait for a person any more.', hint: null });
    return found;
  }
  function review(one: Review): Review {
    reviews.set(one.id, one);
    const conversation = conversationOf(one.turn);
    if (conversation) conversation.turns = conversation.turns.map((turn) => (turn.id === one.turn ? { ...turn, review: one } : turn));
    tell({ kind: 'stale', commands: ['ListReviews', 'GetConversation', 'ListActivity'] });
    return one;
  }

  function run(conversation: turns.Kept, begin: Turn, grounding: string): void {
    const at = begin.id;
    const question = begin.question.toLowerCase();
    conversation.turns.push(begin);
    conversation.updated_ms = clock();
    const put = (turn: Turn) => {
      const index = conversation.turns.findIndex((one) => one.id === at);
      if (index >= 0) conversation.turns[index] = turn;
    };
    const news = (kind: Extract<Event, { kind: 'turn' }>['news']) => tell({ kind: 'turn', conversation: conversation.id, turn: at, news: kind });
    const end = (turn: Turn) => {
      clearInterval(timers.get(at));
      timers.delete(at);
      put(turn);
      news({ kind: 'ended', turn });
      tell({ kind: 'status', status: status() });
    };
    const final =
      grounding === 'general' ? turns.general(begin) : question.includes('nurse') ? turns.abstained(begin) : question.includes('single room') ? turns.failed(begin) : question.includes('restricted') ? turns.refused(begin) : question.includes('wide') ? turns.contradicted(begin) : turns.answered(begin);
    news({ kind: 'began', turn: begin });
    if (final.state === 'refused') {
      end(final);
      return;
    }
    let words: string[] = final.answer.match(/\S+\s*/g) ?? [];
    const hold = question.includes('hold');
    if (hold) words = words.slice(0, Math.ceil(words.length * 0.58));
    let step = -3;
    let text = '';
    let checked = 0;
    timers.set(
      at,
      setInterval(() => {
        step += 1;
        if (step === -2 && final.quotes.length) {
          news({ kind: 'quotes', quotes: final.quotes, sources: final.sources.filter((source) => final.quotes.some((quote) => quote.source === source.number)), took_ms: final.quotes_ms ?? 240, searched_documents: final.searched_documents });
          put({ ...begin, quotes: final.quotes, quotes_ms: final.quotes_ms, sources: final.sources });
        } else if (step === -1) {
          if (final.state === 'failed') end(final);
          else news({ kind: 'doing', what: 'Reading 4 pages', tokens_per_second: 31 });
        } else if (step >= 0 && step < words.length) {
          text += words[step];
          news({ kind: 'words', text: words[step] ?? '' });
          put({ ...begin, quotes: final.quotes, quotes_ms: final.quotes_ms, sources: final.sources, answer: text });
          const done = final.sentences.filter((sentence) => sentence.end <= text.length);
          if (done.length > checked && step % 3 === 0) {
            checked = done.length;
            const used = new Set(done.flatMap((sentence) => sentence.citations.map((citation) => citation.source)));
            news({ kind: 'checked', sentences: done, sources: final.sources.filter((source) => used.has(source.number) || final.quotes.some((quote) => quote.source === source.number)) });
          }
        } else if (step >= words.length && !hold) {
          end(final);
        }
      }, pace),
    );
    tell({ kind: 'status', status: status() });
  }

  function advance(job: Job): void {
    const steps = ['read', 'embed', 'index'] as const;
    let current = job;
    const timer = setInterval(() => {
      const total = 20;
      const done = Math.min(total, current.done + 4);
      const at = steps.indexOf(current.step);
      if (current.state === 'waiting') current = { ...current, state: 'running', total, done: 0 };
      else if (done < total) current = { ...current, done };
      else if (at < 2) current = { ...current, step: steps[at + 1] ?? 'index', done: 0 };
      else {
        current = { ...current, done, state: 'done', document: 4, pages: 12, passages: 96, finished_ms: clock(), note: '' };
        clearInterval(timer);
      }
      if (current.state === 'running') current.note = current.step === 'read' ? `Reading page ${current.done} of ${total}` : current.step === 'embed' ? `Embedding passage ${current.done} of ${total}` : 'Indexing';
      jobs = jobs.map((one) => (one.id === current.id ? current : one));
      tell({ kind: 'job', job: current });
    }, pace * 4);
  }

  function watchedFolder(id: number): WatchedFolder {
    const found = watched.find((one) => one.id === id);
    if (!found) throw new DoorError({ code: 'not_found', message: 'This watched folder is not there any more.', hint: null });
    return found;
  }

  function row(id: number): DocumentRow {
    const paper = turns.paper(id);
    return { id, job: null, title: scene.has('same') && id < 6 && id !== 4 ? 'Fire Strategy Report' : paper.title, name: paper.name, kind: paper.kind, version_name: paper.version_name, label: paper.label, status: { kind: 'indexed' }, indexed_ms: now - id * 5_000_000, size_bytes: paper.size_bytes, pages: paper.pages, passages: paper.passages, watched: id % 2 === 1 ? 1 : null, later: null, near: false };
  }

  const done = {};
  const handlers: Handlers = {
    GetVault: () => vault,
    CreateVault: () => (vault = { kind: 'open', passphrase: true, device: true, locks_at_ms: null }),
    UnlockVault: ({ passphrase }) => {
      if (passphrase === 'wrong') throw new DoorError({ code: 'wrong_passphrase', message: 'That is not the passphrase.', hint: null });
      return (vault = { kind: 'open', passphrase: true, device: true, locks_at_ms: clock() + 30 * 60_000 });
    },
    LockVault: () => (vault = { kind: 'locked', passphrase: true, device: true }),
    GetStatus: () => status(),
    GetSettings: () => settings,
    SetSettings: ({ settings: change }) => {
      settings = { ...settings, ...Object.fromEntries(Object.entries(change).filter(([, value]) => value !== null)) };
      return settings;
    },
    RepairVault: () => [{ name: 'vault', works: true, detail: 'Whole: there is nothing to repair.' }],
    GetDoctor: () => [{ name: 'Vault', works: true, detail: 'Open and whole.' }],
    ListSpaces: () => spaces.map((space) => ({ ...space })),
    CreateSpace: ({ name }) => {
      const space = { id: next++, name, label: 'public' as const, documents: 0, memories: 0 };
      spaces.push(space);
      return space;
    },
    RenameSpace: ({ space, name }) => {
      const found = spaces.find((one) => one.id === space);
      if (!found) throw new DoorError({ code: 'not_found', message: 'That space is not here any more.', hint: null });
      found.name = name;
      return found;
    },
    SetSpaceLabel: ({ space, label }) => {
      const found = spaces.find((one) => one.id === space);
      if (!found) throw new DoorError({ code: 'not_found', message: 'That space is not here any more.', hint: null });
      found.label = label;
      return found;
    },
    GetHome: ({ space }) => ({
      space: spaces.find((one) => one.id === space)?.name ?? '',
      documents: spaces.find((one) => one.id === space)?.documents ?? 0,
      need_you: 0,
      on_the_way: 0,
      last_visit_ms: now - 17 * 3_600_000,
      changed:
        space === 1
          ? [
              { document: 2, title: 'A-103 Level 3 Ward, GA Plan', what: 'has a new version, 6', at_ms: now - 3_600_000 },
              { document: 4, title: 'Room Data Sheets, Level 3', what: 'was added, 148 pages', at_ms: now - 7_200_000 },
              { document: 6, title: 'Infection Control Comments, round 2', what: 'was added, 1 page', at_ms: now - 9_000_000 },
            ]
          : [],
    }),
    ListConversations: ({ space }) =>
      kept
        .filter((one) => one.space === space)
        .sort((a, b) => b.updated_ms - a.updated_ms)
        .map((one) => ({ id: one.id, title: one.title, updated_ms: one.updated_ms, turns: one.turns.length })),
    GetConversation: ({ conversation }) => {
      const found = kept.find((one) => one.id === conversation);
      if (!found) throw new DoorError({ code: 'not_found', message: 'That conversation is not here any more.', hint: null });
      return { id: found.id, space: found.space, title: found.title, turns: [...found.turns] };
    },
    RenameConversation: ({ conversation, title }) => {
      const found = kept.find((one) => one.id === conversation);
      if (found) found.title = title;
      tell({ kind: 'stale', commands: ['ListConversations'] });
      return done;
    },
    RemoveConversation: ({ conversation }) => {
      const at = kept.findIndex((one) => one.id === conversation);
      const [taken] = at < 0 ? [] : kept.splice(at, 1);
      if (taken) removed.set(conversation, taken);
      return done;
    },
    RestoreConversation: ({ conversation }) => {
      const back = removed.get(conversation);
      if (back) kept.push(back);
      removed.delete(conversation);
      return done;
    },
    Ask: ({ space, conversation, text, attachments, grounding }) => {
      if (text.length > 32_000) throw new DoorError({ code: 'invalid', message: 'This question is longer than 32,000 characters.', hint: 'Paste long text as a document, then ask about it.' });
      let found = kept.find((one) => one.id === conversation);
      if (!found) {
        found = { id: next++, space, title: text.slice(0, 60), updated_ms: clock(), turns: [] };
        kept.push(found);
      }
      const begin = { ...turns.begun(next++, text, clock()), attachments: attachments.map((id) => ({ document: id, title: turns.paper(id).title, kind: turns.paper(id).kind })) };
      const into = found;
      queueMicrotask(() => run(into, begin, grounding));
      return { conversation: found.id, turn: begin.id };
    },
    StopTurn: ({ turn }) => {
      const found = conversationOf(turn);
      const running = found?.turns.find((one) => one.id === turn);
      if (found && running?.state === 'running') {
        clearInterval(timers.get(turn));
        timers.delete(turn);
        const ended = turns.stopped(running, running.answer);
        found.turns[found.turns.indexOf(running)] = ended;
        tell({ kind: 'turn', conversation: found.id, turn, news: { kind: 'ended', turn: ended } });
        tell({ kind: 'status', status: status() });
      }
      return done;
    },
    HandToPerson: ({ turn, to }) => {
      const found = conversationOf(turn);
      const one = found?.turns.find((other) => other.id === turn);
      if (!found || !one) throw new DoorError({ code: 'not_found', message: 'That question is not here any more.', hint: null });
      const why = one.state === 'abstained' ? 'The documents do not say' : 'Little of the answer is borne out';
      return review({ id: one.review?.id ?? next++, turn, conversation: found.id, space: found.space, question: one.question, said: one.answer || (one.not_said ?? ''), why, state: 'open', assigned: to, opened_ms: clock(), answer: null, answered_by: null, answered_ms: null, label: 'internal', job: null, document: null });
    },
    ListReviews: ({ space, all }) => [...reviews.values()].filter((one) => one.space === space && (all || one.state === 'open')),
    AssignReview: ({ review: id, to }) => review({ ...reviewed(id), assigned: to }),
    AnswerReview: ({ review: id, answer, by }) => review({ ...reviewed(id), state: 'answered', answer, answered_by: by, answered_ms: clock(), document: 6 }),
    DismissReview: ({ review: id }) => review({ ...reviewed(id), state: 'dismissed' }),
    ReopenReview: ({ review: id }) => review({ ...reviewed(id), state: 'open' }),
    ListProviders: () => remote.providers(providers, budget, mode),
    SetProvider: ({ provider }) => {
      const { key, ...rest } = provider;
      const id = rest.id ?? rest.name.toLowerCase();
      const host = rest.address?.split('/')[2] ?? 'api.mistral.ai';
      providers = [...providers.filter((one) => one.id !== id), { ...remote.MISTRAL, id, name: rest.name, service: rest.service, model: rest.model, host, residency: rest.residency ?? 'unknown', key: key ? remote.MISTRAL.key : null }];
      return remote.providers(providers, budget, mode);
    },
    RemoveProvider: ({ provider }) => {
      providers = providers.filter((one) => one.id !== provider);
      tell({ kind: 'stale', commands: ['ListProviders'] });
      return remote.providers(providers, budget, mode);
    },
    TestProvider: ({ confirmed }) => remote.tested(confirmed),
    SetBudget: ({ budget: change }) => {
      budget = change;
      tell({ kind: 'stale', commands: ['ListProviders'] });
      return remote.providers(providers, budget, mode);
    },
    PreviewRemote: ({ turn, text, hide }) => {
      const made = remote.preview(next++, turn, text, hide);
      previews.set(made.id, made);
      return made;
    },
    SendRemote: ({ preview: id, text, confirmed }) => {
      const made = previews.get(id);
      previews.delete(id);
      const found = made && conversationOf(made.turn);
      const turn = found?.turns.find((one) => one.id === made?.turn);
      if (!made || !found || !turn || made.text !== text || !confirmed) throw new DoorError({ code: 'invalid', message: 'The text is not the one that was shown. Nothing was sent.', hint: 'Look at what would leave again.' });
      const ended: Turn = { ...turn, remote: { name: made.name, model: made.model, host: made.host, bytes_out: 1240, bytes_in: 3310, cost: '$0.01', label: made.label, rule: 'sending asks', failed: null }, how: turn.how && { ...turn.how, model: made.model, bytes_out: 1240 } };
      found.turns[found.turns.indexOf(turn)] = ended;
      queueMicrotask(() => tell({ kind: 'turn', conversation: found.id, turn: ended.id, news: { kind: 'ended', turn: ended } }));
      return { conversation: found.id, turn: ended.id };
    },
    Regenerate: ({ turn, grounding }) => replace(turn, null, grounding ?? 'documents'),
    EditQuestion: ({ turn, text }) => replace(turn, text, 'documents'),
    Search: ({ text }) => {
      const wanted = text.toLowerCase();
      const hits = wanted ? PAPERS.flatMap((paper) => {
        const page = textOf(paper, paper.page).text;
        const at = page.toLowerCase().indexOf(wanted);
        return at < 0 ? [] : [{ text: page.slice(Math.max(0, at - 40), at + 90), marks: [[Math.min(40, at), Math.min(40, at) + wanted.length]] as [number, number][], document: paper.id, title: paper.title, place: paper.place, at: { version: paper.version, page: paper.page, start: at, end: at + wanted.length }, score: 0.9 }];
      }) : [];
      return {
        passages: hits,
        conversations: kept.filter((one) => one.title.toLowerCase().includes(wanted)).slice(0, 4).map((one) => ({ id: one.id, title: one.title, updated_ms: one.updated_ms, turns: one.turns.length })),
        documents: PAPERS.filter((paper) => paper.title.toLowerCase().includes(wanted)).map((paper) => ({ document: paper.id, title: paper.title, kind: paper.kind })),
        took_ms: 12,
      };
    },
    ChooseFiles: () => null,
    OfferFiles: ({ files }) => offer(files.map((file) => file.name), files.reduce((sum, file) => sum + file.base64.length * 0.75, 0)),
    OfferText: ({ name, text }) => offer([name], text.length),
    ImportOffer: ({ offer: id, space, label }) => {
      const given = offers.get(id);
      if (!given) throw new DoorError({ code: 'not_found', message: 'Those files are not held any more.', hint: 'Add them again.' });
      offers.delete(id);
      const made = given.names.map((name): Job => ({ id: next++, space, name, kind: 'pdf', size_bytes: Math.round(given.size_bytes / given.files), state: 'waiting', step: 'read', done: 0, total: 0, note: 'Waiting', failure: null, document: null, pages: null, passages: null, label: label ?? 'internal', remark: null, created_ms: clock(), finished_ms: null }));
      jobs = [...jobs, ...made];
      made.forEach(advance);
      return made;
    },
    DropOffer: ({ offer: id }) => {
      offers.delete(id);
      return done;
    },
    ListJobs: ({ space }) => jobs.filter((job) => job.space === space),
    CancelJobs: ({ jobs: ids }) => {
      jobs = jobs.filter((one) => !ids.includes(one.id));
      return done;
    },
    RetryJob: ({ job }) => {
      const found = jobs.find((one) => one.id === job);
      if (!found) throw new DoorError({ code: 'not_found', message: 'That file is not on the list any more.', hint: null });
      const again: Job = { ...found, state: 'waiting', failure: null, note: 'Waiting', done: 0 };
      jobs = jobs.map((one) => (one.id === job ? again : one));
      advance(again);
      return again;
    },
    DismissJobs: ({ jobs: ids }) => {
      jobs = jobs.filter((one) => !ids.includes(one.id));
      tell({ kind: 'stale', commands: ['ListJobs'] });
      return done;
    },
    ListDocuments: ({ space, text, labels, kinds, limit }) => {
      const rows = space === 1 ? PAPERS.filter((paper) => !gone.has(paper.id)).map((paper) => row(paper.id)) : [];
      const wanted = rows.filter((one) => (!text || one.title.toLowerCase().includes(text.toLowerCase())) && (!labels.length || labels.includes(one.label)) && (!kinds.length || (one.kind && kinds.includes(one.kind))));
      return { rows: wanted.slice(0, limit), total: wanted.length };
    },
    GetDocument: ({ document }) => {
      const paper = turns.paper(document);
      return { row: row(document), author: 'H. Lindqvist', created: '3 March', origin: `~/Lindgate/${paper.name}`, watched: document % 2 === 1 ? 'Issued drawings' : null, label_reason: 'Rule 6: issued drawings are Internal.', cited_in: 4, warnings: [], versions: [{ id: paper.version, number: 3, hash: '9f2c51d8e07a41ab', imported_ms: now - 86_400_000, size_bytes: paper.size_bytes, pages: paper.pages, current: true }], alike: [], holders: [], holds: [] };
    },
    RemoveDocuments: ({ documents }) => {
      documents.forEach((id) => gone.add(id));
      tell({ kind: 'stale', commands: ['ListDocuments', 'ListSpaces'] });
      return done;
    },
    RestoreDocuments: ({ documents }) => {
      documents.forEach((id) => gone.delete(id));
      tell({ kind: 'stale', commands: ['ListDocuments', 'ListSpaces'] });
      return done;
    },
    ListWatched: ({ space }) => watched.filter((folder) => folder.space === space),
    ChooseWatched: () => [],
    WatchOffer: () => [],
    PauseWatched: ({ folder, paused }) => {
      watched = watched.map((one) => (one.id === folder ? { ...one, state: paused ? 'paused' : 'watching', words: paused ? 'Paused' : 'Watching' } : one));
      return watchedFolder(folder);
    },
    CheckWatched: ({ folder }) => watchedFolder(folder),
    StopWatching: ({ folder }) => {
      watched = watched.filter((one) => one.id !== folder);
      return done;
    },
    SetLabel: ({ document, label }) => {
      turns.paper(document).label = label;
      tell({ kind: 'stale', commands: ['ListDocuments', 'GetDocument'] });
      return done;
    },
    JudgeAlike: () => done,
    OpenVersion: ({ document, version }) => {
      const paper = turns.paper(document);
      const old = version !== null && version !== paper.version;
      return { version: version ?? paper.version, document, title: paper.title, kind: paper.kind, label: paper.label, version_name: paper.version_name ? `${paper.version_name}, ${old ? 'superseded' : 'current'}` : '', newer: old ? paper.version : null, older: old ? null : paper.version + 1000, removed: false, places: Array.from({ length: paper.pages }, (_, at) => (paper.kind === 'pdf' ? `page ${at + 1}` : at === paper.page ? paper.place : `sheet ${at + 1}`)), outline: [] };
    },
    GetPage: ({ version, page, width_px, spans }) => {
      const paper = PAPERS.find((one) => one.version === version) ?? PAPERS[0];
      if (!paper) throw new DoorError({ code: 'not_found', message: 'No such page.', hint: null });
      const drawn = paper.kind === 'pdf' && width_px > 0 ? draw(paper, page, width_px, spans.map((span) => [span.start, span.end])) : { picture: null, boxes: spans.map(() => []) };
      return { page, place: paper.kind === 'pdf' ? `page ${page + 1}` : paper.place, ...textOf(paper, page), picture: drawn.picture, highlights: drawn.boxes, recognized: null };
    },
    CompareVersions: ({ from, to }) => {
      const paper = PAPERS.find((one) => one.version === to) ?? PAPERS[0];
      if (!paper) throw new DoorError({ code: 'not_found', message: 'No such version.', hint: null });
      const side = (version: number, current: boolean) => ({ version, document: paper.id, title: paper.title, kind: paper.kind, label: paper.label, version_name: `version ${current ? 3 : 2}, ${current ? 'current' : 'superseded'}`, newer: null, older: null, removed: false, places: [], outline: [] });
      const text = (version: number, words: string, marks: [number, number][]) => ({ text: words, marks, at: { version, page: 0, start: 0, end: words.length }, place: paper.place });
      return { from: side(from, false), to: side(to, true), unchanged: 41, changes_total: 1, changes: [{ before: text(from, 'The clear width is 2,100 mm.', [[19, 24]]), after: text(to, 'The clear width is 2,150 mm.', [[19, 24]]) }] };
    },
    FindInVersion: ({ version, text }) => {
      const paper = PAPERS.find((one) => one.version === version);
      const found = [];
      if (paper && text) {
        const page = textOf(paper, paper.page).text.toLowerCase();
        for (let at = page.indexOf(text.toLowerCase()); at >= 0; at = page.indexOf(text.toLowerCase(), at + 1)) found.push({ version, page: paper.page, start: at, end: at + text.length });
      }
      return found;
    },
    ListMemories: ({ space }) => memories.filter((one) => one.space === null || one.space === space),
    Remember: ({ space, text }) => {
      const memory = { id: next++, space, text, learnt: 'You asked', label: 'internal' as const, created_ms: clock(), used: 0, last_used_ms: null, paused: false };
      memories = [memory, ...memories];
      tell({ kind: 'stale', commands: ['ListMemories', 'ListSpaces'] });
      return memory;
    },
    Forget: ({ memories: ids }) => {
      forgotten.push(...memories.filter((one) => ids.includes(one.id)));
      memories = memories.filter((one) => !ids.includes(one.id));
      tell({ kind: 'stale', commands: ['ListMemories', 'ListSpaces'] });
      return done;
    },
    RestoreMemories: ({ memories: ids }) => {
      memories = [...forgotten.filter((one) => ids.includes(one.id)), ...memories];
      tell({ kind: 'stale', commands: ['ListMemories', 'ListSpaces'] });
      return done;
    },
    ListModels: () => models,
    DownloadModel: ({ model }) => change(model, { kind: 'downloading', done_bytes: 0, total_bytes: 8e9, bytes_per_second: 6e6 }),
    PauseDownload: ({ model }) => change(model, { kind: 'paused', done_bytes: 4.5e9, total_bytes: 7.3e9, error: null }),
    CancelDownload: ({ model }) => change(model, { kind: 'absent' }),
    LoadModel: ({ model }) => change(model, { kind: 'loaded' }),
    UnloadModel: ({ model }) => change(model, { kind: 'installed' }),
    SetRole: ({ role, model }) => {
      const found = models.roles.find((one) => one.role === role);
      if (found) found.model = model;
      tell({ kind: 'stale', commands: ['ListModels'] });
      return done;
    },
    AddModel: () => null,
    MeasureModel: ({ model }) => {
      const found = models.installed.find((one) => one.id === model);
      if (found) found.measured = { at_ms: clock(), machine: '16 cores, AVX2, 32 GB', load_ms: 1900, reads_per_second: 412, per_second: found.fit.per_second ?? 31, peak_bytes: found.computed_bytes * 0.94, place: 'CPU, AVX2' };
      return change(model, { kind: 'loaded' });
    },
    ...contests.handlers(models.installed, scene.has('contest'), clock, tell),
    SetContext: ({ model, context }) => {
      const found = models.installed.find((one) => one.id === model);
      if (found) found.context = context;
      return change(model, { kind: 'installed' });
    },
    ListFoundModels: () => found,
    AddFoundModel: ({ model }) => {
      const one = found.find((other) => other.id === model);
      if (one) one.installed = true;
      return change('qwen3-14b', { kind: 'loaded' });
    },
    RemoveModel: ({ model }) => {
      models.installed = models.installed.filter((one) => one.id !== model);
      tell({ kind: 'stale', commands: ['ListModels'] });
      return done;
    },
    ListActivity: ({ text }) => more.activity(now).filter((entry) => !text || entry.sentence.toLowerCase().includes(text.toLowerCase())),
    GetTrace: ({ turn }) => {
      const found = conversationOf(turn);
      const one = found?.turns.find((other) => other.id === turn);
      return more.trace(turn, found?.id ?? 1, one?.question ?? '', one?.asked_ms ?? now);
    },
    VerifyAudit: () => ({ entries: 4812, head: '9f2c51d8e07a41ab', checked_ms: clock(), broken: scene.has('broken') ? (more.flaws(now)[0] ?? null) : null, flaws: scene.has('broken') ? more.flaws(now) : [] }),
    CheckAnchor: ({ anchor }) => ({ holds: true, sentence: `The record goes on from the anchor: its first ${anchor.entries} entries are those of then.`, seq: null }),
    MakeAnchor: () => ({ format: 'hearth audit anchor 1', entries: 4812, hash: '9f2c51d8e07a41ab', at_ms: clock(), public_key: '00', signature: '00' }),
    ReplayTurn: ({ turn }) => more.replay(turn, conversationOf(turn)?.turns.find((other) => other.id === turn)?.answer ?? '', scene.has('differs')),
    GetLineage: ({ turn }) => more.lineage(turn, conversationOf(turn)?.id ?? 1),
    ListUses: ({ document }) => more.uses(document, now),
    GetMetrics: () => more.metrics(now),
    GetCollector: () => collector,
    SetCollector: ({ address }) => (collector = address ? { address: `http://localhost:${address}/v1/traces`, works: true, sentence: 'It took what it was told last.' } : { address: null, works: null, sentence: 'Nobody is told how questions were worked on.' }),
    SaveFile: () => null,
    ExportRecord: ({ format }) => ({ name: `hearth-record.${format === 'otlp' ? 'otlp.json' : format}`, mime: 'text/plain', base64: btoa('{}\n'), sentence: '4,812 entries of the record, without questions and answers' }),
    MakeReport: ({ format }) => ({ name: `hearth-report.${format}`, mime: format === 'pdf' ? 'application/pdf' : 'text/html', base64: btoa('Hearth'), sentence: 'Compliance report' }),
    GetPrivacy: () => held,
    SetMode: ({ mode: chosen }) => {
      mode = chosen;
      held = inMode(held, mode);
      tell({ kind: 'status', status: status() });
      tell({ kind: 'stale', commands: ['GetPrivacy'] });
      return held;
    },
    SetRules: ({ text }) => (held = { ...held, own_rules: text }),
    AddRules: ({ text }) => (held = { ...held, own_rules: [held.own_rules, text].filter(Boolean).join('\n\n') }),
    RemoveRule: ({ name }) => (held = { ...held, rules: held.rules.filter((rule) => rule.name !== name) }),
    TryRules: () => ({ tried: 214, changes: 1, examples: [{ at_ms: now, what: 'Export, Restricted', before: 'ask', after: 'deny', rule: 'never: export' }], idle: [], found: [] }),
    AddGrant: () => held,
    WithdrawGrant: ({ grant }) => (held = { ...held, grants: held.grants.filter((one) => one.id !== grant) }),
  };
  const inMode = (privacy: Privacy, chosen: Mode): Privacy => ({ ...privacy, mode: chosen, modes: privacy.modes.map((one) => ({ ...one, holds: one.mode === chosen })) });
  let held = inMode(scene.has('organization') ? more.laidDown(more.privacy(now)) : more.privacy(now), mode);
  const forgotten: typeof memories = [];
  const found = more.foundModels();

  function change(id: string, state: (typeof models.installed)[number]['state']) {
    const model = [...models.installed, ...models.catalogue].find((one) => one.id === id);
    if (!model) throw new DoorError({ code: 'not_found', message: 'That model is not known here.', hint: null });
    model.state = state;
    tell({ kind: 'model', model: { ...model } });
    tell({ kind: 'stale', commands: ['ListModels'] });
    return model;
  }

  function offer(names: string[], size_bytes: number): Offer {
    const made = { id: next++, names: names.slice(0, 20), files: names.length, size_bytes: Math.round(size_bytes), readable: names.length, folder: null };
    offers.set(made.id, made);
    return made;
  }

  function replace(turn: number, text: string | null, grounding: string) {
    const found = conversationOf(turn);
    const old = found?.turns.find((one) => one.id === turn);
    if (!found || !old) throw new DoorError({ code: 'not_found', message: 'That question is not here any more.', hint: null });
    found.turns = found.turns.filter((one) => one !== old);
    const begin = { ...turns.begun(next++, text ?? old.question, clock()), attachments: old.attachments };
    queueMicrotask(() => run(found, begin, grounding));
    return { conversation: found.id, turn: begin.id };
  }

  const transport: Transport = {
    async call(name, args) {
      const handler = handlers[name] as ((args: unknown) => unknown) | undefined;
      if (scene.has('slow')) await new Promise((resolve) => setTimeout(resolve, 1500));
      else await Promise.resolve();
      if (!handler) throw new DoorError({ code: 'unavailable', message: `${name} is not played by the scripted backend.`, hint: null });
      // Replies are copies, as they would be over a wire.
      const reply = structuredClone(await handler(structuredClone(args)));
      return (scene.has('wild') ? wild(reply) : reply) as never;
    },
    follow(onEnvelope) {
      followers.add(onEnvelope);
      onEnvelope({ seq: seq++, event: { kind: 'hello' } });
      return () => followers.delete(onEnvelope);
    },
  };
  // For tests in a browser: events that only the desktop shell sends.
  if (typeof window !== 'undefined') {
    (window as unknown as Record<string, unknown>).hearthFake = {
      tell,
      drag: (over: boolean, x: number, y: number) => tell({ kind: 'drag', over, x, y }),
      drop: (names: string[], x: number, y: number) => tell({ kind: 'dropped', offer: offer(names, names.length * 26_000_000), x, y }),
    };
  }
  return transport;
}
