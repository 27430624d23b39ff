// What the network ledger says, in words: what a request was for, which rule let it go, how it ended. Pure.
import type { RuleView } from '../../core/bindings';
import { sentenceCase } from '../../core/format';

const PURPOSE: Record<string, string> = {
  model_download: 'Model download',
  model_metadata: 'Facts about a model',
  package_download: 'Package for running code',
  remote_answer: 'Answer from a stronger model',
  provider_test: 'Test of a provider',
  spans: 'How questions were worked on',
};

/** Rules that come with Hearth, by the name that the record keeps. */
const RULE: Record<string, string> = {
  'sending asks': 'Sent after you said yes',
  'models you fetch': 'A download you started',
  'spans stay here': 'To a collector on this machine',
  'no spans leave': 'Nothing about questions leaves',
  'nothing is sent': 'Nothing is sent',
  'nothing is fetched': 'Nothing is fetched',
  'guarded things stay': 'Confidential and restricted things stay',
  'no secrets leave': 'Keys and passwords stay',
  'untrusted text stays': 'Text from the web stays',
  'pages ask': 'Fetched after you said yes',
  'no pages are fetched': 'No page is fetched',
  'no pages for outsiders': 'No page is fetched for text from outside',
  'code runs when you say so': 'Code you let run',
  'no code from outside': 'No code from outside',
};

/** What a request was for. */
export function purposeWords(purpose: string): string {
  return PURPOSE[purpose] ?? sentenceCase(purpose.replaceAll('_', ' '));
}

/** The rule that let it go or stopped it: its words, else its number and sentence, else its name. */
export function ruleWords(name: string, rules: readonly Pick<RuleView, 'number' | 'name' | 'sentence'>[]): string {
  const known = RULE[name];
  if (known) return known;
  const rule = rules.find((one) => one.name === name);
  return rule ? `Rule ${rule.number}: ${rule.sentence}` : sentenceCase(name.replaceAll(/[-_]/g, ' '));
}

/** How it ended: "Done", "Stopped, the server answered 404", "Failed: ...". */
export function outcomeWords(outcome: string): string {
  const status = /^(done|redirected|stopped), (\d{3})$/.exec(outcome);
  if (!status) return sentenceCase(outcome);
  if (status[1] === 'done') return 'Done';
  return `${sentenceCase(status[1] ?? '')}, the server answered ${status[2]}`;
}
