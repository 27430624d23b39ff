// Jobs as the ingest screen groups and words them.
import type { ImportStep, Job } from '../../core/bindings';
import { inWords, KIND, pagesOf, sentenceCase, size } from '../../core/format';

export interface Groups {
  needYou: Job[];
  onTheWay: Job[];
  ready: Job[];
}

/** Failed first, then what is being read, then what can be asked; each newest last, as it was handed over. */
export function grouped(jobs: Job[]): Groups {
  const running = jobs.filter((job) => job.state === 'running');
  return {
    needYou: jobs.filter((job) => job.state === 'failed'),
    onTheWay: [...running, ...jobs.filter((job) => job.state === 'waiting')],
    ready: jobs.filter((job) => job.state === 'done'),
  };
}

/** "Three ready, four on the way, three need you" */
export function headline({ ready, onTheWay, needYou }: Groups): string {
  const parts = [];
  if (ready.length > 0) parts.push(`${inWords(ready.length)} ready`);
  if (onTheWay.length > 0) parts.push(`${inWords(onTheWay.length)} on the way`);
  if (needYou.length > 0) parts.push(`${inWords(needYou.length)} ${needYou.length === 1 ? 'needs' : 'need'} you`);
  return parts.length > 0 ? sentenceCase(parts.join(', ')) : 'Nothing on the way';
}

/** "PDF, 62 pages, 61 MB" */
export function about(job: Job): string {
  const parts: string[] = [job.kind ? KIND[job.kind] : 'File'];
  if (job.pages !== null && job.pages > 0) parts.push(pagesOf(job.kind, job.pages));
  if (job.state !== 'done') parts.push(size(job.size_bytes));
  const line = parts.join(', ');
  return job.remark ? `${line}. ${job.remark}` : line;
}

/** A file's name as its title, without the extension of a known kind. */
export function titleOf(job: Job): string {
  return job.kind ? job.name.replace(/\.[A-Za-z0-9]{1,8}$/, '') : job.name;
}

const ORDER: ImportStep[] = ['read', 'embed', 'index'];

export type StepState = { is: 'done' | 'waiting' | 'failed' | 'now'; share: number };

/** How one of the three steps stands. */
export function stepState(job: Job, step: ImportStep): StepState {
  const at = ORDER.indexOf(step);
  const now = ORDER.indexOf(job.step);
  if (job.state === 'done' || at < now) return { is: 'done', share: 1 };
  if (at > now) return { is: 'waiting', share: 0 };
  if (job.state === 'failed') return { is: 'failed', share: 1 };
  if (job.state === 'waiting' && job.done === 0) return { is: 'waiting', share: 0 };
  return { is: 'now', share: job.total > 0 ? Math.max(0.04, Math.min(1, job.done / job.total)) : 0.08 };
}

/** All the work of the files on the way, 0 to 1. */
export function overall(jobs: Job[]): number {
  if (jobs.length === 0) return 1;
  const sum = jobs.reduce((total, job) => total + ORDER.reduce((all, step) => all + stepState(job, step).share * (stepState(job, step).is === 'failed' ? 0 : 1), 0) / 3, 0);
  return sum / jobs.length;
}
