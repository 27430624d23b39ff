// What an entry of the record is about, in words: its lead, the rest of its sentence, its group. Pure.
import type { AuditEntry } from '../../core/bindings';
import { sentenceCase } from '../../core/format';

export type Group = 'answers' | 'documents' | 'memory' | 'models' | 'rules' | 'network' | 'vault';

/** The groups of the filter, and their words. */
export const GROUPS: { id: Group; label: string }[] = [
  { id: 'answers', label: 'Questions and answers' },
  { id: 'documents', label: 'Documents' },
  { id: 'memory', label: 'Memory' },
  { id: 'models', label: 'Models' },
  { id: 'rules', label: 'Refusals and rules' },
  { id: 'network', label: 'Connections' },
  { id: 'vault', label: 'The vault' },
];

const LEADS: Record<string, string> = {
  'turn.answered': 'Answered',
  'turn.abstained': 'Found nothing on',
  'turn.stopped': 'Stopped',
  'turn.failed': 'Did not answer',
  'turn.refused': 'Refused',
  refused: 'Refused',
  'document.indexed': 'Indexed',
  'document.failed': 'Could not read',
  'document.removed': 'Removed',
  'document.restored': 'Put back',
  'document.labelled': 'Labelled',
  'memory.kept': 'Remembered',
  'memory.forgotten': 'Forgot',
  'memory.restored': 'Put back',
  'model.downloaded': 'Downloaded',
  'model.added': 'Added',
  'model.measured': 'Measured',
  'model.removed': 'Removed',
  'model.loaded': 'Loaded',
  'model.unloaded': 'Unloaded',
  'contest.begun': 'Comparing',
  'contest.chosen': 'Chose',
  'document.purged': 'Erased',
  'memory.erased': 'Erased',
  'vault.created': 'Created',
  'vault.secret_changed': 'Lock changed',
  'vault.opened': 'Unlocked',
  'vault.unlocked': 'Unlocked',
  'vault.locked': 'Locked',
  'tool.called': 'Tool',
  'turn.replayed': 'Replayed',
  'review.opened': 'Handed',
  'review.assigned': 'Asked',
  'review.dismissed': 'Let',
  'review.reopened': 'Took',
  'record.exported': 'Exported',
  'report.made': 'Report',
  'retention.swept': 'Erased',
  'policy.in_force': 'Rules in force',
  'clock.back': 'Clock set back',
};

/** An entry's lead word and the rest of its sentence. */
export function parts(entry: Pick<AuditEntry, 'kind' | 'sentence'>): { lead: string; rest: string } {
  const sentence = entry.sentence.trim();
  const lead = LEADS[entry.kind];
  if (!sentence) return { lead: 'Erased', rest: 'what it said is gone, its seal remains' };
  if (lead && sentence.toLowerCase().startsWith(lead.toLowerCase())) {
    return { lead, rest: sentence.slice(lead.length).replace(/^[\s:,]+/, '') };
  }
  const space = sentence.indexOf(' ');
  const first = space < 0 ? sentence : sentence.slice(0, space);
  // "Put A-103 back" says it in its own way.
  if (lead && lead.split(' ')[0]?.toLowerCase() !== first.toLowerCase()) return { lead, rest: sentence };
  return space < 0 ? { lead: sentence, rest: '' } : { lead: sentence.slice(0, space), rest: sentence.slice(space + 1) };
}

/** Whether an entry says that something was refused. */
export function isRefusal(kind: string): boolean {
  return kind === 'refused' || kind.endsWith('.refused');
}

/** Which group an entry belongs to. */
export function groupOf(kind: string): Group {
  const head = kind.split('.')[0] ?? kind;
  if (isRefusal(kind) || ['policy', 'rule', 'law', 'content', 'grant'].includes(head)) return 'rules';
  if (head === 'turn' || head === 'review' || head === 'conversation' || head === 'tool' || head === 'remote') return 'answers';
  if (head === 'document' || head === 'import' || head === 'label' || head === 'space') return 'documents';
  if (head === 'memory') return 'memory';
  if (head === 'model' || head === 'download' || head === 'role' || head === 'provider' || head === 'budget') return 'models';
  if (head === 'egress' || head === 'collector') return 'network';
  return 'vault';
}

/** What was recorded besides, as name and value; JSON that is no object is one value. */
export function detailRows(detail: string | null): { name: string; value: string }[] {
  if (!detail) return [];
  let parsed: unknown;
  try {
    parsed = JSON.parse(detail);
  } catch {
    return [{ name: 'Recorded', value: detail }];
  }
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) return [{ name: 'Recorded', value: String(detail) }];
  return Object.entries(parsed).flatMap(([name, value]) =>
    value === null || value === '' || (Array.isArray(value) && value.length === 0)
      ? []
      : [{ name: sentenceCase(name.replaceAll('_', ' ')), value: typeof value === 'object' ? JSON.stringify(value, null, 1) : String(value) }],
  );
}

/** Entries of several pages as one list, newest first, each once. */
export function mergeEntries(known: readonly AuditEntry[], more: readonly AuditEntry[]): AuditEntry[] {
  const bySeq = new Map(known.map((entry) => [entry.seq, entry]));
  for (const entry of more) bySeq.set(entry.seq, entry);
  return [...bySeq.values()].sort((a, b) => b.seq - a.seq);
}

/** A fragment as a sentence: raised, with its full stop. */
export function asSentence(text: string): string {
  const trimmed = text.trim();
  return trimmed ? sentenceCase(/[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`) : '';
}
