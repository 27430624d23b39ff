// Words and figures of the form for providers.
import type { NewProvider, Service } from '../../core/bindings';

interface ServiceWords {
  id: Service;
  name: string;
  note: string;
  address: string | null;
}

/** The services that can be chosen. */
export const SERVICES: ServiceWords[] = [
  { id: 'compatible', name: 'OpenAI-compatible server', note: 'vLLM, llama.cpp, Ollama, LM Studio', address: null },
  { id: 'mistral', name: 'Mistral', note: '', address: 'https://api.mistral.ai/v1' },
  { id: 'openai', name: 'OpenAI', note: 'ChatGPT', address: 'https://api.openai.com/v1' },
  { id: 'anthropic', name: 'Anthropic', note: 'Claude', address: 'https://api.anthropic.com' },
  { id: 'google', name: 'Google', note: 'Gemini', address: 'https://generativelanguage.googleapis.com' },
  { id: 'deepseek', name: 'DeepSeek', note: '', address: 'https://api.deepseek.com' },
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
