// Words and figures of the form for providers.
import type { NewProvider, Service } from '../../core/bindings';

interface ServiceWords {
  id: Service;
  name: string;
  note: string;
}

/** The services that can be chosen. */
export const SERVICES: ServiceWords[] = [
  { id: 'compatible', name: 'OpenAI-compatible server', note: 'vLLM, llama.cpp, Ollama, LM Studio' },
  { id: 'mistral', name: 'Mistral', note: '' },
  { id: 'openai', name: 'OpenAI', note: 'ChatGPT' },
  { id: 'anthropic', name: 'Anthropic', note: 'Claude' },
  { id: 'google', name: 'Google', note: 'Gemini' },
  { id: 'deepseek', name: 'DeepSeek', note: '' },
];

/** A provider that nobody described yet. */
export function blank(): NewProvider {
  return { id: null, name: '', service: 'compatible', address: null, model: '', residency: null, keeps: null, key: null, input_price: null, output_price: null };
}

/** An amount as typed: a number, nothing (`null`), or no amount at all (`undefined`). */
export function amountOf(text: string): number | null | undefined {
  const plain = text.trim().replace(/^\$/, '').replace(',', '.');
  if (plain === '') return null;
  return /^\d+(\.\d+)?$/.test(plain) ? Number(plain) : undefined;
}
