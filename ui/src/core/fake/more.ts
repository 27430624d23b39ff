// The rest of the imagined machine: models, memories, the record, privacy, jobs.
import type { AuditEntry, FoundModel, Job, Memory, Model, Models, Privacy, Trace } from '../bindings';

const GB = 2 ** 30;
const MINUTE = 60_000;

function model(id: string, name: string, quantization: string, size: number, roles: Model['roles'], more: Partial<Model> = {}): Model {
  return {
    id,
    name,
    quantization,
    size_bytes: size * 1e9,
    size_about: false,
    roles,
    licence: 'Apache-2.0',
    n_ctx: 32_768,
    context: null,
    fit: { level: 'runs_well', per_second: 31, measured: true, needs_bytes: (size + 1.1) * 1e9, measured_bytes: null, short_bytes: 0 },
    computed_bytes: (size + 1.1) * 1e9,
    measured: null,
    place: '',
    elsewhere: null,
    state: { kind: 'absent' },
    unsupported: null,
    ...more,
  };
}

export function models(short = false): Models {
  const whole = all();
  if (!short) return whole;
  // The machine on which a large model did not load.
  const big = model('mistral-small', 'Mistral Small 24B', 'Q4_K_M', 14.3, ['chat'], { state: { kind: 'installed' }, fit: { level: 'will_not_fit', per_second: null, measured: false, needs_bytes: 15.8 * GB, measured_bytes: null, short_bytes: 3.6 * GB } });
  whole.installed.push(big);
  whole.roles[0] = { role: 'chat', model: 'mistral-small', choices: ['mistral-small', 'qwen3-14b'], loaded: false, may_be_empty: false, note: '' };
  whole.memory[3] = { kind: 'others', name: 'Other apps', bytes: 8.1 * GB, note: '' };
  return whole;
}

function all(): Models {
  const fit = (level: Model['fit']['level'], per_second: number | null, measured: boolean, short = 0): Model['fit'] => ({ level, per_second, measured, needs_bytes: 10e9, measured_bytes: null, short_bytes: short * 1e9 });
  return {
    machine: { cores: 16, memory_bytes: 32 * GB, disk_free_bytes: 214e9, compute: 'CPU, AVX2' },
    memory: [
      { kind: 'core', name: 'Index', bytes: 1.5 * GB, note: '' },
      { kind: 'model', name: 'Qwen3 14B', bytes: 10.1 * GB, note: 'plus 1.1 GB for 16k of context' },
      { kind: 'model', name: 'MiniLM L6', bytes: 0.1 * GB, note: '' },
      { kind: 'others', name: 'Other apps', bytes: 6.4 * GB, note: '' },
      { kind: 'free', name: 'Free', bytes: 13.9 * GB, note: 'enough to add a 12B model beside these' },
    ],
    roles: [
      { role: 'chat', model: 'qwen3-14b', choices: ['qwen3-14b', 'qwen3-0.6b'], loaded: true, may_be_empty: false, note: '' },
      { role: 'embed', model: 'minilm', choices: ['minilm'], loaded: true, may_be_empty: false, note: '' },
    ],
    installed: [
      model('qwen3-14b', 'Qwen3 14B', 'Q4_K_M', 9, ['chat'], { state: { kind: 'loaded' } }),
      model('qwen3-0.6b', 'Qwen3 0.6B', 'Q8_0', 0.6, ['chat', 'draft'], { state: { kind: 'installed' }, fit: fit('runs_well', 184, true) }),
      model('minilm', 'MiniLM L6', 'F16', 0.1, ['embed'], { state: { kind: 'loaded' }, fit: fit('runs_well', 940, true) }),
    ],
    catalogue: [
      model('gemma-3-12b', 'Gemma 3 12B', 'Q4_K_M', 7.3, ['chat', 'vision'], { state: { kind: 'downloading', done_bytes: 4.5e9, total_bytes: 7.3e9, bytes_per_second: 6.6e6 }, fit: fit('runs_well', 34, false) }),
      model('phi-4', 'Phi 4', 'Q4_K_M', 8.4, ['chat'], { state: { kind: 'paused', done_bytes: 2.6e9, total_bytes: 8.4e9, error: { code: 'unavailable', message: 'No network.', hint: null } }, fit: fit('slower', 22, false) }),
      model('mistral-small', 'Mistral Small 3.2 24B', 'Q4_K_M', 14.3, ['chat', 'vision'], { fit: fit('tight', 11, false) }),
      model('llama-3.3-70b', 'Llama 3.3 70B', 'Q4_K_M', 42.5, ['chat'], { fit: fit('will_not_fit', null, false, 14), size_about: true }),
    ],
  };
}

export function foundModels(): FoundModel[] {
  const one = (id: string, name: string, program: string, size: number, unsupported: string | null): FoundModel => ({ id, name, program, path: `/home/h/${program.toLowerCase()}/${id}`, size_bytes: size * 1e9, quantization: 'Q4_K_M', licence: 'Apache-2.0', fit: { level: 'runs_well', per_second: 44, measured: false, needs_bytes: (size + 0.6) * 1e9, measured_bytes: null, short_bytes: 0 }, installed: false, unsupported });
  return [one('llama3.2-3b', 'llama3.2:3b', 'Ollama', 2, null), one('minicpm-v-8b', 'minicpm-v:8b', 'Ollama', 4.4, 'The engine does not run minicpmv models yet')];
}

export function memories(now: number): Memory[] {
  const one = (id: number, text: string, space: number | null, used: number): Memory => ({ id, space, text, learnt: 'You asked', label: 'internal', created_ms: now - id * 3_600_000 * 30, used, last_used_ms: used ? now - 3_600_000 : null, paused: false });
  return [
    one(1, 'Stage 4 sign-off is planned for 28 April.', 1, 6),
    one(2, 'Widths are always given between handrails unless said otherwise.', 1, 11),
    one(3, 'Ward 3B stays open during the works.', 1, 0),
    one(4, 'Answer with figures in millimetres.', null, 24),
  ];
}

export function jobs(now: number): Job[] {
  const job = (id: number, name: string, more: Partial<Job>): Job => ({
    id,
    space: 1,
    name,
    kind: 'pdf',
    size_bytes: 8_000_000,
    state: 'waiting',
    step: 'read',
    done: 0,
    total: 0,
    note: 'Waiting. Two files are read at a time.',
    failure: null,
    document: null,
    pages: null,
    passages: null,
    label: 'internal',
    remark: null,
    created_ms: now - 60_000,
    finished_ms: null,
    ...more,
  });
  return [
    job(1, 'Ventilation Survey 2019.pdf', { state: 'failed', size_bytes: 61e6, pages: 40, note: '', failure: { code: 'no_text', title: 'Scanned', message: '34 of 40 pages have no text to read.', actions: ['retry', 'remove'] } }),
    job(2, 'Client Brief Issue 4.pdf', { state: 'failed', size_bytes: 2e6, note: '', failure: { code: 'encrypted', title: 'Locked', message: 'The password is used once and not kept.', actions: ['enter_password', 'remove'] } }),
    job(3, 'Infection Control Comments, round 2.eml', { kind: 'email', state: 'failed', step: 'embed', size_bytes: 1.2e6, note: '', failure: { code: 'changed', title: 'Changed while being read', message: 'Stopped at embedding.', actions: ['retry'] } }),
    job(4, 'DS-01 Door Schedule.xlsx', { kind: 'xlsx', state: 'running', step: 'embed', done: 321, total: 412, size_bytes: 412_000, pages: 3, passages: 412, note: 'Embedding passage 321 of 412' }),
    job(5, 'Room Data Sheets, Level 3.pdf', { state: 'running', done: 61, total: 148, size_bytes: 22e6, pages: 148, note: 'Reading page 61 of 148' }),
    job(6, 'Mechanical Services Specification.docx', { kind: 'docx', size_bytes: 4e6 }),
    job(7, 'Fire Strategy Report Rev C.pdf', { state: 'done', step: 'index', document: 1, pages: 62, passages: 1204, label: 'confidential', remark: 'Replaces version 2', note: '', finished_ms: now - 5000 }),
    job(8, 'A-103 Level 3 Ward, GA Plan.pdf', { state: 'done', step: 'index', document: 2, pages: 1, passages: 214, note: '', finished_ms: now - 9000 }),
    job(9, 'Notice of Decision 24-01873-FUL.pdf', { state: 'done', step: 'index', document: 4, pages: 5, passages: 61, label: 'public', note: '', finished_ms: now - 12_000 }),
  ];
}

export function activity(now: number): AuditEntry[] {
  const rows: [string, string, number | null, number | null][] = [
    ['turn.answered', 'Does the Level 3 ward corridor meet the width in the fire strategy?', 3, 5900],
    ['document.indexed', 'A-103 Level 3 Ward, GA Plan', null, 2100],
    ['memory.kept', 'Stage 4 sign-off is planned for 28 April.', null, null],
    ['turn.refused', 'Tool “Send email”, by rule 4', null, null],
    ['turn.answered', 'What do the doors cost, by fire rating?', 20, 3900],
    ['model.downloaded', 'Gemma 3 12B, 4.5 of 7.3 GB', null, null],
    ['vault.opened', 'Vault opened', null, null],
  ];
  return rows.map(([kind, sentence, turn, took_ms], at) => ({
    seq: 4812 - at,
    at_ms: now - at * 9 * MINUTE,
    kind,
    sentence,
    turn,
    document: kind === 'document.indexed' ? 2 : null,
    took_ms,
    detail: '{"model":"qwen3-14b","label":"confidential"}',
    hash: `${(0x9f2c51d8 - at).toString(16)}e07a41ab77d0c3be1f96e31c`,
    previous: `${(0x9f2c51d8 - at - 1).toString(16)}e07a41ab77d0c3be1f96e31c`,
  }));
}

export function trace(turn: number, conversation: number, question: string, asked_ms: number): Trace {
  const station = (name: string, sentence: string, aside: string, start_ms: number, took_ms: number, more: Partial<Trace['stations'][number]> = {}): Trace['stations'][number] => ({
    name,
    outcome: 'done',
    sentence,
    aside,
    start_ms,
    took_ms,
    mark_ms: null,
    decision: null,
    weighed: [],
    record: null,
    ...more,
  });
  return {
    turn,
    conversation,
    question,
    asked_ms,
    summary: 'answered in 5.9 s by Qwen3 14B on this machine',
    stations: [
      station('Admit', 'One question, one document', '', 0, 4),
      station('Label', 'Highest label in reach is Confidential', '', 4, 22),
      station('Route', 'Must stay on this machine: Qwen3 14B', 'rules 1, 3', 26, 6, {
        decision: 'Allowed on this machine. The mode is Local only and the passages are Confidential.',
        weighed: ['Qwen3 0.6B: below the quality set for cited answers.'],
        record: 'rule 1 route.to == "here"\n  when mode == "local-only"\nrule 3 forbid send\n  when label >= "confidential"\nallow  qwen3-14b, here',
      }),
      station('Recall', '3 memories about this space', '96 tokens', 32, 38),
      station('Retrieve', '10 passages found, 4 kept, quotes at 0.24 s', '', 70, 168),
      station('Generate', 'First word at 0.9 s, then 31 tok/s', '1,974 tokens', 240, 5500, { mark_ms: 900 }),
      station('Tool', 'None asked for', '', 0, 0, { outcome: 'skipped' }),
      station('Verify', '6 sentences checked: 5 match, 1 without source', '', 1360, 4500, { outcome: 'partly' }),
      station('Record', 'Written and sealed', '', 5870, 28),
    ],
    connections: 0,
    bytes_out: 0,
    bytes_in: 0,
    prompt_tokens: 1824,
    new_tokens: 150,
    hash: '9f2c51d83b1e07a41ab0e07a41ab',
    previous: '77d0c3be1f96e31c0e07a41ab000',
  };
}

export function privacy(now: number): Privacy {
  return {
    mode: 'local_only',
    mode_sentence: 'Nothing is sent. Models and documents stay on this machine.',
    modes: [
      { mode: 'offline', name: 'Offline', sentence: 'Nothing is sent and nothing is fetched. Models come on a disk.', holds: false, allowed: true },
      { mode: 'local_only', name: 'Local only', sentence: 'Everything happens on this machine. Nothing you ask, keep or read is sent anywhere.', holds: true, allowed: true },
      { mode: 'ask_before_remote', name: 'Ask before remote', sentence: 'Everything happens on this machine first. What would leave it is shown before, and waits for your yes.', holds: false, allowed: true },
    ],
    trouble: null,
    organization: null,
    person: 'Steward',
    may_rule: true,
    own_rules: '',
    grants: [{ id: 1, sentence: 'Export, up to Confidential', until_ms: now + 86_400_000 }],
    rules: [
      { number: 1, name: 'answers-stay-here', sentence: 'Answer on this machine.', text: 'permit (action == "answer", to == "here");', origin: 'Built in', applied: 212 },
      { number: 2, name: 'restricted-stays', sentence: 'Send nothing labelled Restricted.', text: 'forbid (action == "send") when { label == "restricted" };', origin: 'Built in', applied: 0 },
      { number: 3, name: 'confidential-stays', sentence: 'Send nothing labelled Confidential.', text: 'forbid (action == "send") when { label >= "confidential" };', origin: 'Built in', applied: 3 },
      { number: 4, name: 'models-may-be-fetched', sentence: 'Fetch models from the catalogue when a person asks.', text: 'permit (action == "download") when { by == "person" };', origin: 'Built in', applied: 2 },
    ],
    grid: {
      destinations: ['This machine', 'Pure tools', 'Acting tools', 'Export', 'Model files', 'Web pages', 'Remote models'],
      rows: [
        { label: 'public', cells: ['allow', 'allow', 'ask', 'allow', 'allow', 'deny', 'deny'] },
        { label: 'internal', cells: ['allow', 'allow', 'ask', 'allow', 'allow', 'deny', 'deny'] },
        { label: 'confidential', cells: ['allow', 'allow', 'ask', 'ask', 'allow', 'deny', 'deny'] },
        { label: 'restricted', cells: ['allow', 'allow', 'ask', 'ask', 'allow', 'deny', 'deny'] },
      ],
    },
    ledger: [
      { id: 2, at_ms: now - 12 * MINUTE, purpose: 'remote_answer', host: 'api.mistral.example', rule: 'sending asks', outcome: 'done, 200', bytes_out: 9_800, bytes_in: 2_400, who: 'person', label: 'internal' },
      { id: 1, at_ms: now - 80 * MINUTE, purpose: 'model_download', host: 'models.example', rule: 'models you fetch', outcome: 'done, 200', bytes_out: 1200, bytes_in: 4.5e9, who: 'person', label: null },
    ],
    bytes_out: 1200,
    since_ms: now - 40 * 86_400_000,
    guards: [
      { name: 'No network for engines', enforced: true, detail: 'Engine and reader processes run without a network.' },
      { name: 'Named files only', enforced: true, detail: 'They may open the files they were given and no others.' },
      { name: 'Memory cap', enforced: false, detail: 'This system does not allow a cap here.' },
    ],
  };
}

/** The same where an organization laid its policy down, for one of its members. */
export function laidDown(privacy: Privacy): Privacy {
  const sentences = ['Modes that may be chosen: Offline, Local only.', 'Parts: everyone else Member.'];
  return {
    ...privacy,
    organization: { name: 'Lindgate Hospital', version: 4, fingerprint: '9f2c51d8-e07a41ab-5501cc29-77ab0d12-0c5e6f7a-8b9c0d1e-2f3a4b5c-6d7e8f90', sentences },
    person: 'Member',
    may_rule: false,
    modes: privacy.modes.map((one) => ({ ...one, allowed: one.mode !== 'ask_before_remote' })),
    rules: [...privacy.rules, { number: privacy.rules.length + 1, name: 'no exports', sentence: 'Write nothing labelled Restricted into plain files.', text: 'forbid (principal, action == Action::"export", resource)\nwhen { context.label == "restricted" };', origin: 'Organization', applied: 0 }],
  };
}
export { flaws, lineage, metrics, replay, uses } from './record';
