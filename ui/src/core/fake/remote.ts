// A provider and a preview for the scripted backend, as the picture of the prompt has them.
import type { Budget, Providers, ProviderTest, ProviderView, RemotePreview } from '../bindings';

export const MISTRAL: ProviderView = {
  id: 'mistral',
  name: 'Mistral',
  service: 'mistral',
  address: 'https://api.mistral.ai/v1',
  host: 'api.mistral.ai',
  model: 'mistral-large-latest',
  residency: 'EU',
  keeps: 'No, by contract',
  key: 'in the system’s keyring',
  own: false,
  price: '$2 read, $6 written for a million tokens; list of 2025-06-30',
  price_known: true,
  set_price: null,
  spent: '$0.02',
  resting_s: null,
};

export function providers(all: ProviderView[], budget: Budget, mode: Providers['mode']): Providers {
  return { mode, providers: [...all], budget, spent_today: 'nothing', spent_month: '$0.02', keys: 'Keys are kept in the system’s keyring.', prices_of: '2025-06-30', conflicts: [] };
}

export function tested(sent: boolean): ProviderTest {
  return { sent, works: sent ? true : null, sentence: sent ? 'Mistral answers: 310 bytes out, 540 in.' : '96 bytes would go to api.mistral.ai.', body: '{"max_tokens":16,"messages":[{"content":"Say yes.","role":"user"}],"model":"mistral-large-latest","stream":true}', host: 'api.mistral.ai', cost: 'At most $0.00080', rule: { number: 23, name: 'sending asks', sentence: 'Text goes to a model elsewhere only after a person has seen exactly what would leave.' } };
}

export function preview(id: number, turn: number, edited: string | null, hide: string[]): RemotePreview {
  const first = 'Drawing A-103, revision P6. North ward corridor 3.01. Dimension between handrails at F8 reads 2,050. Column casings F7–F9 increased to house new medical gas risers. Checked by [Person 1] on 9 March.';
  const second = 'Door D3-14, cross-corridor, double, held open, clear opening 1,520, rating FD60S. Contact [Person 2], [Phone 1].';
  const question = 'List every place where the drawn corridor width is below the width required on a bed-evacuation route.';
  let text = edited ?? `[1]\n${first}\n\n[2]\n${second}\n\nQuestion: ${question}`;
  hide.forEach((words, at) => (text = text.replaceAll(words, `[Hidden ${at + 1}]`)));
  const marks = [...text.matchAll(/\[(Person|Phone|Hidden) \d+\]/g)];
  const instructions = 'Answer the question from the numbered passages alone. Words in square brackets stand for something that was left out on purpose.';
  const at = (words: string) => ({ start: text.indexOf(words), end: text.indexOf(words) + words.length });
  const plain = edited === null && hide.length === 0;
  return {
    id,
    turn,
    provider: 'mistral',
    name: 'Mistral',
    model: 'mistral-large-latest',
    host: 'api.mistral.ai',
    residency: 'EU',
    keeps: 'No, by contract',
    why: 'Qwen3 14B wrote 6 sentences, of which 2 match the sources.',
    instructions,
    text,
    pieces: plain
      ? [
          { name: 'Passage 1 of 2', title: 'A-103', label: 'internal', ...at(first) },
          { name: 'Passage 2 of 2', title: 'DS-01', label: 'internal', ...at(second) },
          { name: 'Question', title: '', label: 'internal', ...at(question) },
        ]
      : [{ name: 'As you edited it', title: '', label: 'internal', start: 0, end: text.length }],
    redactions: marks.map((mark) => ({ placeholder: mark[0], kind: mark[1] ?? '', by_rule: mark[1] !== 'Hidden', start: mark.index, end: mark.index + mark[0].length })),
    hidden: [...new Set(marks.map((mark) => mark[1] ?? ''))].map((kind) => ({ kind, count: new Set(marks.filter((mark) => mark[1] === kind).map((mark) => mark[0])).size })),
    held_back: [{ title: 'Fire Strategy Report', label: 'confidential', passages: 3, why: 'By rule 24: Confidential and restricted things are never sent, not even when asked.' }],
    body: JSON.stringify({ max_tokens: 1024, messages: [{ content: instructions, role: 'system' }, { content: text, role: 'user' }], model: 'mistral-large-latest', stream: true }),
    sha256: '9f2c51d8e07a41ab77d0c3be1f96e31c9f2c51d8e07a41ab77d0c3be1f96e31c',
    label: 'internal',
    tokens: 240,
    cost: 'At most $0.01',
    price_source: 'list of 2025-06-30',
    rule: { number: 23, name: 'sending asks', sentence: 'Text goes to a model elsewhere only after a person has seen exactly what would leave.' },
    refusal: null,
  };
}
