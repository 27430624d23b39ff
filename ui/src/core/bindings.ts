// Generated from crates/api. Do not edit: run `npm run bindings`.

/**
 * What went wrong, for a program to switch on. Denied, cancelled and "your documents do not say" are replies, not errors.
 */
export type ErrorCode = "locked" | "wrong_passphrase" | "already_exists" | "not_found" | "invalid" | "unavailable" | "denied" | "disk_full" | "damaged" | "newer_file" | "in_use" | "model_missing" | "no_memory" | "process_died" | "internal";

/**
 * An error as the interface shows it: it switches on `code` only.
 */
export type Error = { 
/**
 * For programs.
 */
code: ErrorCode, 
/**
 * What failed and why, one plain sentence.
 */
message: string, 
/**
 * What to do about it.
 */
hint: string | null, };

/**
 * Nothing to say.
 */
export type Done = Record<symbol, never>;

/**
 * How the vault stands.
 */
export type VaultState = { "kind": "fresh", 
/**
 * Whether this machine has a keyring that can hold the key.
 */
device: boolean, } | { "kind": "locked", 
/**
 * A passphrase opens it.
 */
passphrase: boolean, 
/**
 * This machine's keyring opens it.
 */
device: boolean, } | { "kind": "open", 
/**
 * A passphrase opens it.
 */
passphrase: boolean, 
/**
 * This machine's keyring opens it.
 */
device: boolean, 
/**
 * When it locks by itself unless used, if ever.
 */
locks_at_ms: number | null, } | { "kind": "unusable", 
/**
 * Why, and what is safe.
 */
error: Error, };

/**
 * The privacy mode.
 */
export type Mode = "offline" | "local_only" | "ask_before_remote";

/**
 * A mode that can be chosen.
 */
export type ModeView = { 
/**
 * The mode.
 */
mode: Mode, 
/**
 * What it is called.
 */
name: string, 
/**
 * What it promises.
 */
sentence: string, 
/**
 * Whether it holds now.
 */
holds: boolean, 
/**
 * Whether it may be chosen: an organization may allow some modes only.
 */
allowed: boolean, };

/**
 * An organization's policy that holds here.
 */
export type OrganizationView = { 
/**
 * Whose it is.
 */
name: string, 
/**
 * Its version, as the organization counts.
 */
version: number, 
/**
 * The fingerprint of the key that signed it.
 */
fingerprint: string, 
/**
 * What it lays down beside rules, in sentences.
 */
sentences: Array<string>, };

/**
 * A person's leave for what would otherwise be asked.
 */
export type GrantView = { 
/**
 * Its id.
 */
id: number, 
/**
 * What it allows, and how far, in a sentence.
 */
sentence: string, 
/**
 * When it ends.
 */
until_ms: number, };

/**
 * What other rules would have decided of requests of the last thirty days.
 */
export type RuleTrial = { 
/**
 * Requests that were tried.
 */
tried: number, 
/**
 * Those that would be decided otherwise.
 */
changes: number, 
/**
 * At most twenty of them.
 */
examples: Array<TriedRequest>, 
/**
 * New rules that would decide none of them.
 */
idle: Array<string>, 
/**
 * What the sample text holds of personal data and secrets, by kind.
 */
found: Array<string>, };

/**
 * A request that other rules would decide otherwise.
 */
export type TriedRequest = { 
/**
 * When it was made; none for the sample.
 */
at_ms: number | null, 
/**
 * What was wanted.
 */
what: string, 
/**
 * As it was decided.
 */
before: GridCell, 
/**
 * As it would be.
 */
after: GridCell, 
/**
 * The rule that would decide it.
 */
rule: string, };

/**
 * What the status bar always states.
 */
export type Status = { 
/**
 * Hearth's version.
 */
version: string, 
/**
 * The privacy mode.
 */
mode: Mode, 
/**
 * The chat model, if one is chosen.
 */
model: ModelStatus | null, 
/**
 * Memory in use.
 */
memory: MemoryUse, 
/**
 * How the vault stands.
 */
vault: VaultState, 
/**
 * Bytes sent out today, by any process of Hearth.
 */
bytes_out_today: number, 
/**
 * Files being read or waiting; where there are none, passages that another embedder embeds again.
 */
indexing: Progress | null, 
/**
 * Downloads under way.
 */
downloads: Progress | null, 
/**
 * Where Hearth keeps its data.
 */
data_dir: string, 
/**
 * Whether this shell can open file dialogs.
 */
dialogs: boolean, };

/**
 * How much of something is done.
 */
export type Progress = { 
/**
 * Done so far.
 */
done: number, 
/**
 * In all.
 */
total: number, };

/**
 * The chat model as the status bar shows it.
 */
export type ModelStatus = { 
/**
 * The model's id.
 */
id: string, 
/**
 * Its name for people.
 */
name: string, 
/**
 * What it is doing.
 */
state: ModelState, };

/**
 * What a model is doing.
 */
export type ModelState = { "kind": "missing" } | { "kind": "idle" } | { "kind": "loading" } | { "kind": "ready" } | { "kind": "working" } | { "kind": "failed", 
/**
 * Why, and what to do.
 */
error: Error, };

/**
 * Memory of this machine. Bytes.
 */
export type MemoryUse = { 
/**
 * All processes of Hearth.
 */
hearth_bytes: number, 
/**
 * All other programs.
 */
others_bytes: number, 
/**
 * Installed.
 */
total_bytes: number, };

/**
 * The home screen of a space.
 */
export type Home = { 
/**
 * The space's name.
 */
space: string, 
/**
 * Documents that can be asked.
 */
documents: number, 
/**
 * Files that need a person.
 */
need_you: number, 
/**
 * Files on the way.
 */
on_the_way: number, 
/**
 * When this space was last asked.
 */
last_visit_ms: number | null, 
/**
 * What changed since, newest first.
 */
changed: Array<Changed>, };

/**
 * One thing that changed since the last visit.
 */
export type Changed = { 
/**
 * The document.
 */
document: number, 
/**
 * Its title.
 */
title: string, 
/**
 * What happened, such as "was added, 28 pages".
 */
what: string, 
/**
 * When.
 */
at_ms: number, };

/**
 * What a person chose for the interface. Absent fields keep their defaults.
 */
export type Settings = { 
/**
 * `system`, `light` or `dark`.
 */
theme: string | null, 
/**
 * 90 to 140.
 */
text_percent: number | null, 
/**
 * Whether single letters are shortcuts.
 */
single_key_shortcuts: boolean | null, 
/**
 * `sentences` or `ready`: how streaming is announced to a screen reader.
 */
announce: string | null, 
/**
 * Minutes without use after which the vault locks; 0 is never.
 */
lock_after_minutes: number | null, 
/**
 * Seconds within which an answer is to be there, where a faster model can; 0 is no limit.
 */
answer_within_s: number | null, 
/**
 * Days for which traces and the details of finished turns are kept; 0 is for as long as the vault.
 */
keep_traces_days: number | null, 
/**
 * Whether answers that are hardly borne out, or that the documents do not give, are handed to a person by themselves.
 */
review_low_support: boolean | null, 
/**
 * The space that was open last.
 */
last_space: number | null, 
/**
 * Whether the first-run screen has been passed.
 */
welcomed: boolean | null, 
/**
 * Pane widths by name, in px.
 */
panes: { [key in string]: number } | null, };

/**
 * A body of documents that are asked together.
 */
export type Space = { 
/**
 * Its id.
 */
id: number, 
/**
 * Its name.
 */
name: string, 
/**
 * The least that its documents, memories and questions have.
 */
label: Label, 
/**
 * Documents in it.
 */
documents: number, 
/**
 * Memories that apply in it.
 */
memories: number, };

/**
 * One line of the conversation list.
 */
export type ConversationRow = { 
/**
 * Its id.
 */
id: number, 
/**
 * Its title: the first question, shortened, until a person renames it.
 */
title: string, 
/**
 * When it was last asked in.
 */
updated_ms: number, 
/**
 * Questions in it.
 */
turns: number, };

/**
 * A whole conversation.
 */
export type Conversation = { 
/**
 * Its id.
 */
id: number, 
/**
 * The space it belongs to.
 */
space: number, 
/**
 * Its title.
 */
title: string, 
/**
 * Its turns, oldest first; replaced ones left out.
 */
turns: Array<Turn>, };

/**
 * What was accepted for answering: watch the events of this turn.
 */
export type Asked = { 
/**
 * The conversation, new or given.
 */
conversation: number, 
/**
 * The new turn.
 */
turn: number, };

/**
 * Which of two answers is better, as they stand on the screen.
 */
export type Preferred = "first" | "second" | "equal";

/**
 * Two models on the same questions.
 */
export type Contest = { 
/**
 * Its id.
 */
id: number, 
/**
 * The space that is asked.
 */
space: number, 
/**
 * When it began.
 */
begun_ms: number, 
/**
 * The models' names, in the order in which they were given.
 */
names: [string, string], 
/**
 * Whether names are hidden until a choice.
 */
blind: boolean, 
/**
 * Whether questions are being asked now.
 */
running: boolean, 
/**
 * The questions in order.
 */
questions: Array<ContestQuestion>, 
/**
 * What all comparisons of the two models came to. While names are hidden, undecided questions do not count.
 */
totals: PairTotals, };

/**
 * One question that two models were asked.
 */
export type ContestQuestion = { 
/**
 * Its id.
 */
id: number, 
/**
 * What was asked.
 */
question: string, 
/**
 * The answer that stands first.
 */
first: ContestAnswer, 
/**
 * The answer that stands second.
 */
second: ContestAnswer, 
/**
 * Whether both models read the same passages; none until both have answered.
 */
same_passages: boolean | null, 
/**
 * What a person chose last.
 */
choice: Preferred | null, 
/**
 * How often a person chose: earlier choices are kept.
 */
choices: number, };

/**
 * One model's answer.
 */
export type ContestAnswer = { 
/**
 * The model's name; none while it is hidden.
 */
model: string | null, 
/**
 * The turn, once it was asked. While the name is hidden it names no model.
 */
turn: Turn | null, 
/**
 * Sentences that claim something.
 */
claims: number, 
/**
 * Those that the documents support.
 */
supported: number, };

/**
 * What all comparisons of two models came to.
 */
export type PairTotals = { 
/**
 * One of them.
 */
first: SideTotals, 
/**
 * The other.
 */
second: SideTotals, 
/**
 * Questions that both have answered.
 */
questions: number, 
/**
 * Choices of neither.
 */
equal: number, 
/**
 * Questions without a choice.
 */
undecided: number, };

/**
 * What all comparisons came to for one of two models.
 */
export type SideTotals = { 
/**
 * Its id.
 */
model: string, 
/**
 * Its name.
 */
name: string, 
/**
 * How often it was chosen.
 */
wins: number, 
/**
 * Sentences that claim something.
 */
claims: number, 
/**
 * Those that the documents support.
 */
supported: number, 
/**
 * Milliseconds to the first word, the median.
 */
first_word_ms: number | null, 
/**
 * Tokens written a second, the median.
 */
tokens_per_second: number | null, 
/**
 * Milliseconds to the end, the median.
 */
total_ms: number | null, };

/**
 * One line of the list of comparisons.
 */
export type ContestRow = { 
/**
 * Its id.
 */
id: number, 
/**
 * When it began.
 */
begun_ms: number, 
/**
 * The models' names.
 */
names: [string, string], 
/**
 * Questions.
 */
questions: number, 
/**
 * Questions that a person has chosen on.
 */
decided: number, 
/**
 * Whether questions are being asked now.
 */
running: boolean, };

/**
 * How a turn stands.
 */
export type TurnState = "running" | "answered" | "abstained" | "refused" | "stopped" | "failed";

/**
 * One question and what came of it.
 */
export type Turn = { 
/**
 * Its id.
 */
id: number, 
/**
 * The question.
 */
question: string, 
/**
 * When it was asked.
 */
asked_ms: number, 
/**
 * Documents attached to it.
 */
attachments: Array<AttachedDocument>, 
/**
 * How it stands.
 */
state: TurnState, 
/**
 * Exact quotes, at most three, in order.
 */
quotes: Array<Quote>, 
/**
 * From the question's arrival to the quotes.
 */
quotes_ms: number | null, 
/**
 * The answer so far. Plain text with line breaks.
 */
answer: string, 
/**
 * Its sentences, with what the check found; they cover `answer` in order. Empty until checked.
 */
sentences: Array<Sentence>, 
/**
 * Sources by number, the first is 1.
 */
sources: Array<Source>, 
/**
 * Passages that were read and not cited.
 */
unused_passages: number, 
/**
 * Documents that were searched.
 */
searched_documents: number, 
/**
 * How well the answer is borne out. None while running, and where nothing was claimed.
 */
confidence: Confidence | null, 
/**
 * How the answer was made.
 */
how: How | null, 
/**
 * What the documents do not say, where that is (part of) the answer.
 */
not_said: string | null, 
/**
 * The rule that refused.
 */
refusal: RuleRef | null, 
/**
 * Why it failed.
 */
error: Error | null, 
/**
 * Cited documents that have a newer version since.
 */
outdated: Array<number>, 
/**
 * Whether this answer is general knowledge, asked for without documents.
 */
general: boolean, 
/**
 * What left for it, where a stronger model elsewhere was asked.
 */
remote: RemoteAnswer | null, 
/**
 * The person who was asked to look at it, and what they answered.
 */
review: Review | null, };

/**
 * A document attached to a question.
 */
export type AttachedDocument = { 
/**
 * The document.
 */
document: number, 
/**
 * Its title.
 */
title: string, 
/**
 * Its kind.
 */
kind: Kind, };

/**
 * An exact quote: `text` stands word for word at `at`.
 */
export type Quote = { 
/**
 * The source's number, from 1.
 */
source: number, 
/**
 * The words.
 */
text: string, 
/**
 * Where they stand.
 */
at: Span, 
/**
 * The cell that answers, where the quote is a row of a table.
 */
cell: QuotedCell | null, };

/**
 * A cell of a quoted row: `text` stands word for word at `at`.
 */
export type QuotedCell = { 
/**
 * What it holds.
 */
text: string, 
/**
 * What names its column; empty where nothing does.
 */
head: string, 
/**
 * Where it stands.
 */
at: Span, };

/**
 * An exact stretch of a page's text, in UTF-16 code units.
 */
export type Span = { 
/**
 * The version cited.
 */
version: number, 
/**
 * Index of the page, from 0.
 */
page: number, 
/**
 * First unit.
 */
start: number, 
/**
 * One past the last unit.
 */
end: number, };

/**
 * A page that an answer or a quote stands on.
 */
export type Source = { 
/**
 * From 1, as the marks show it.
 */
number: number, 
/**
 * The document.
 */
document: number, 
/**
 * The version cited.
 */
version: number, 
/**
 * Its title.
 */
title: string, 
/**
 * Its kind.
 */
kind: Kind, 
/**
 * Index of the page.
 */
page: number, 
/**
 * The place for people: "page 14", "sheet Costs, row 12", "line 40".
 */
place: string, 
/**
 * The version for people: "version 2", empty for the only one.
 */
version_name: string, 
/**
 * Its label.
 */
label: Label, 
/**
 * Whether the version is still the current one.
 */
current: boolean, 
/**
 * Whether the document went away: removed, or erased.
 */
gone: boolean, 
/**
 * When this version came in; none once it is erased.
 */
imported_ms: number | null, 
/**
 * The later revision of the document, where another document is one.
 */
later: LaterRevision | null, 
/**
 * Where its words were recognized in a picture and that was uncertain: how sure of them, percent.
 */
unsure: number | null, };

/**
 * One sentence of an answer.
 */
export type Sentence = { 
/**
 * First unit of `answer`.
 */
start: number, 
/**
 * One past its last unit.
 */
end: number, 
/**
 * What the check found. None: nothing is claimed in it.
 */
state: CheckState | null, 
/**
 * The spans that bear on it, best first.
 */
citations: Array<Citation>, 
/**
 * Why it is not supported, for people, such as "The source says 2,050 mm."
 */
note: string | null, };

/**
 * A citation mark.
 */
export type Citation = { 
/**
 * The source's number.
 */
source: number, 
/**
 * The exact words.
 */
at: Span, 
/**
 * Those words, for the preview.
 */
text: string, };

/**
 * What the sources say of a sentence.
 */
export type CheckState = "supported" | "partly" | "not_found" | "contradicted";

/**
 * How well an answer is borne out.
 */
export type Confidence = "high" | "mixed" | "low" | "no_sources";

/**
 * The how line.
 */
export type How = { 
/**
 * The model's name for people; empty where no model ran.
 */
model: string, 
/**
 * Why this model and not the one for chat, in sentences; empty where it is that one.
 */
route: string, 
/**
 * From question to end.
 */
total_ms: number, 
/**
 * From question to first word.
 */
first_word_ms: number | null, 
/**
 * Tokens written a second.
 */
tokens_per_second: number | null, 
/**
 * Tokens read.
 */
prompt_tokens: number, 
/**
 * Of those, taken from the cache.
 */
cached_tokens: number, 
/**
 * Tokens written.
 */
new_tokens: number, 
/**
 * Bytes that left this machine for this answer.
 */
bytes_out: number, };

/**
 * A rule by name.
 */
export type RuleRef = { 
/**
 * Its number in the list.
 */
number: number, 
/**
 * Its name.
 */
name: string, 
/**
 * Its plain sentence.
 */
sentence: string, };

/**
 * What a question may be told to do besides searching the space.
 */
export type Grounding = "documents" | "attached" | "general";

/**
 * What the palette finds.
 */
export type Hits = { 
/**
 * Passages.
 */
passages: Array<PassageHit>, 
/**
 * Conversations.
 */
conversations: Array<ConversationRow>, 
/**
 * Documents.
 */
documents: Array<DocumentHit>, 
/**
 * How long it took.
 */
took_ms: number, };

/**
 * A passage found.
 */
export type PassageHit = { 
/**
 * The best words of it.
 */
text: string, 
/**
 * Stretches of `text` that match, as pairs of UTF-16 offsets.
 */
marks: Array<[number, number]>, 
/**
 * The document.
 */
document: number, 
/**
 * Its title.
 */
title: string, 
/**
 * The place for people.
 */
place: string, 
/**
 * Where it stands.
 */
at: Span, 
/**
 * 0 to 1.
 */
score: number, };

/**
 * A document found by its title.
 */
export type DocumentHit = { 
/**
 * The document.
 */
document: number, 
/**
 * Its title.
 */
title: string, 
/**
 * Its kind.
 */
kind: Kind, };

/**
 * The family of a file.
 */
export type Kind = "pdf" | "docx" | "pptx" | "xlsx" | "odt" | "odp" | "ods" | "rtf" | "csv" | "html" | "markdown" | "text" | "email" | "epub" | "code" | "mailbox" | "archive" | "notebook" | "json" | "xml" | "picture";

/**
 * How guarded a thing is.
 */
export type Label = "public" | "internal" | "confidential" | "restricted";

/**
 * Files that a person handed over (by drop, dialog, paste or command line), granted once, not yet read.
 */
export type Offer = { 
/**
 * Names the grant; good for one import, until the window closes.
 */
id: number, 
/**
 * Files in it, folders opened, at most 20 named.
 */
names: Array<string>, 
/**
 * How many files.
 */
files: number, 
/**
 * Their sizes together.
 */
size_bytes: number, 
/**
 * How many of them Hearth can read.
 */
readable: number, 
/**
 * The folder, where one folder was handed over.
 */
folder: string | null, };

/**
 * Bytes handed over by the page itself (paste, or a browser's drop).
 */
export type OfferedFile = { 
/**
 * Its name, never a path.
 */
name: string, 
/**
 * Its bytes.
 */
base64: string, };

/**
 * Where imported documents go.
 */
export type Destination = { "kind": "keep" } | { "kind": "question", 
/**
 * The conversation, if there is one yet.
 */
conversation: number | null, };

/**
 * The three steps of a file, as the ingest screen shows them.
 */
export type ImportStep = "read" | "embed" | "index";

/**
 * How a job stands.
 */
export type JobState = "waiting" | "running" | "done" | "failed" | "cancelled";

/**
 * One file on its way into the library.
 */
export type Job = { 
/**
 * Its id.
 */
id: number, 
/**
 * The space it goes to.
 */
space: number, 
/**
 * The file's name.
 */
name: string, 
/**
 * Its kind, once known.
 */
kind: Kind | null, 
/**
 * Its size.
 */
size_bytes: number, 
/**
 * How it stands.
 */
state: JobState, 
/**
 * The step it is at.
 */
step: ImportStep, 
/**
 * Pages or passages done in this step.
 */
done: number, 
/**
 * Of how many; 0 while unknown.
 */
total: number, 
/**
 * One line of where it is: "Reading page 61 of 148".
 */
note: string, 
/**
 * Why it failed.
 */
failure: JobFailure | null, 
/**
 * The document it became, once read.
 */
document: number | null, 
/**
 * Pages, once read.
 */
pages: number | null, 
/**
 * Passages, once cut.
 */
passages: number | null, 
/**
 * The label it was given.
 */
label: Label, 
/**
 * "Replaces version 2", "Same as …, not read again", where so.
 */
remark: string | null, 
/**
 * When it was handed over.
 */
created_ms: number, 
/**
 * When it ended.
 */
finished_ms: number | null, };

/**
 * Why a file needs a person.
 */
export type JobFailure = { 
/**
 * For programs: `empty`, `unsupported`, `encrypted`, `wrong_password`, `damaged`, `too_large`, `bomb`, `no_text`,
 * `unreadable`, `changed`, `missing`, `timeout`, `memory`, `no_embedder`, `disk_full`, `internal`.
 */
code: string, 
/**
 * The lead word or two: "Locked", "Scanned".
 */
title: string, 
/**
 * One plain sentence.
 */
message: string, 
/**
 * What can be done.
 */
actions: Array<JobAction>, };

/**
 * What can be done about a failed file.
 */
export type JobAction = "retry" | "enter_password" | "remove";

/**
 * How a document stands in the table.
 */
export type DocumentStatus = { "kind": "indexed" } | { "kind": "working", 
/**
 * The step.
 */
step: ImportStep, 
/**
 * 0 to 1.
 */
share: number, } | { "kind": "waiting" } | { "kind": "failed", 
/**
 * "Locked", "Scanned, no text".
 */
title: string, } | { "kind": "removed" };

/**
 * One row of the library.
 */
export type DocumentRow = { 
/**
 * The document; absent for a file that has not become one (failed or waiting).
 */
id: number | null, 
/**
 * Its job, while one is under way or failed.
 */
job: number | null, 
/**
 * Its title.
 */
title: string, 
/**
 * The file's name.
 */
name: string, 
/**
 * Its kind.
 */
kind: Kind | null, 
/**
 * "version 2"; empty for the only one.
 */
version_name: string, 
/**
 * Its label.
 */
label: Label, 
/**
 * How it stands.
 */
status: DocumentStatus, 
/**
 * When it was indexed.
 */
indexed_ms: number | null, 
/**
 * Size of the current version.
 */
size_bytes: number, 
/**
 * Pages of the current version.
 */
pages: number, 
/**
 * Passages of the current version.
 */
passages: number, 
/**
 * The watched folder that it stands in.
 */
watched: number | null, 
/**
 * Its later revision, where another document is one.
 */
later: LaterRevision | null, 
/**
 * Whether it is nearly the same as another document, and neither is the later.
 */
near: boolean, };

/**
 * The library of a space.
 */
export type Library = { 
/**
 * Its rows.
 */
rows: Array<DocumentRow>, 
/**
 * Rows in all (rows may be cut at the limit).
 */
total: number, };

/**
 * A document that replaces an earlier one.
 */
export type LaterRevision = { 
/**
 * The document.
 */
document: number, 
/**
 * What it is called.
 */
title: string, };

/**
 * A document that is nearly the same as the one shown.
 */
export type Alike = { 
/**
 * The other document.
 */
document: number, 
/**
 * The version of it that answers.
 */
version: number, 
/**
 * What it is called.
 */
title: string, 
/**
 * How much of their text they share, estimated, in hundredths.
 */
percent: number, 
/**
 * What it is to the one shown.
 */
relation: Relation, 
/**
 * Whether a person said so.
 */
chosen: boolean, };

/**
 * What another document is to one.
 */
export type Relation = "same" | "earlier" | "later" | "different";

/**
 * What the inspector shows.
 */
export type DocumentDetail = { 
/**
 * The row.
 */
row: DocumentRow, 
/**
 * Author, where the file says.
 */
author: string | null, 
/**
 * Date, where the file says.
 */
created: string | null, 
/**
 * Where it came from: a path, or "pasted".
 */
origin: string | null, 
/**
 * The name of the watched folder that it is kept in step with.
 */
watched: string | null, 
/**
 * Why it has its label.
 */
label_reason: string, 
/**
 * Answers that cite it.
 */
cited_in: number, 
/**
 * What could not be read in it.
 */
warnings: Array<string>, 
/**
 * All versions, newest first.
 */
versions: Array<VersionRow>, 
/**
 * What is nearly the same, most alike first.
 */
alike: Array<Alike>, 
/**
 * What it came in: letters that it was attached to, archives that it lay in.
 */
holders: Array<Within>, 
/**
 * Files that came in inside it.
 */
holds: Array<Within>, };

/**
 * A document that holds another, or that lies in one.
 */
export type Within = { 
/**
 * The document.
 */
document: number, 
/**
 * Its title.
 */
title: string, 
/**
 * The name of the inner one, with its path in the outer.
 */
name: string, };

/**
 * One version of a document.
 */
export type VersionRow = { 
/**
 * Its id.
 */
id: number, 
/**
 * From 1.
 */
number: number, 
/**
 * SHA-256 of its bytes.
 */
hash: string, 
/**
 * When it came in.
 */
imported_ms: number, 
/**
 * Its size.
 */
size_bytes: number, 
/**
 * Its pages.
 */
pages: number, 
/**
 * Whether it is the one that answers.
 */
current: boolean, };

/**
 * A version opened in the viewer.
 */
export type OpenedVersion = { 
/**
 * The version.
 */
version: number, 
/**
 * Its document.
 */
document: number, 
/**
 * Its title.
 */
title: string, 
/**
 * Its kind.
 */
kind: Kind, 
/**
 * Its label.
 */
label: Label, 
/**
 * "version 2, current".
 */
version_name: string, 
/**
 * The current version, where this is not it.
 */
newer: number | null, 
/**
 * The version before this one, where it is kept.
 */
older: number | null, 
/**
 * Whether the document was removed: no answer reads it any more.
 */
removed: boolean, 
/**
 * The places of its pages, for people, in order.
 */
places: Array<string>, 
/**
 * Its table of contents.
 */
outline: Array<OutlineRow>, };

/**
 * What changed from one version to another.
 */
export type Comparison = { 
/**
 * The one before.
 */
from: OpenedVersion, 
/**
 * The one after.
 */
to: OpenedVersion, 
/**
 * What differs, in the order of the later one; at most 500.
 */
changes: Array<Difference>, 
/**
 * How many there are in all.
 */
changes_total: number, 
/**
 * Paragraphs, rows and headings that are the same in both.
 */
unchanged: number, };

/**
 * A piece that differs: added where it has no `before`, removed where it has no `after`, else changed.
 */
export type Difference = { 
/**
 * As it was.
 */
before: DifferentText | null, 
/**
 * As it is.
 */
after: DifferentText | null, };

/**
 * One side of a difference.
 */
export type DifferentText = { 
/**
 * The words.
 */
text: string, 
/**
 * Stretches of `text` that the other side does not have, as pairs of UTF-16 offsets.
 */
marks: Array<[number, number]>, 
/**
 * Where it stands.
 */
at: Span, 
/**
 * The place for people.
 */
place: string, };

/**
 * A line of a document's own table of contents.
 */
export type OutlineRow = { 
/**
 * From 1.
 */
level: number, 
/**
 * Its words.
 */
title: string, 
/**
 * Index of the page.
 */
page: number, };

/**
 * A page as the viewer shows it.
 */
export type PageView = { 
/**
 * Index of the page.
 */
page: number, 
/**
 * The place for people.
 */
place: string, 
/**
 * Its whole text.
 */
text: string, 
/**
 * Its structure over `text`, in order.
 */
blocks: Array<BlockView>, 
/**
 * Its picture, for paged formats.
 */
picture: Picture | null, 
/**
 * Boxes of the spans asked for, in fractions (0 to 1) of the picture, one list per span.
 */
highlights: Array<Array<BoxView>>, 
/**
 * Where the words were recognized in the picture: how sure of them, percent.
 */
recognized: number | null, };

/**
 * A rendered page.
 */
export type Picture = { 
/**
 * PNG bytes.
 */
base64: string, 
/**
 * In pixels.
 */
width_px: number, 
/**
 * In pixels.
 */
height_px: number, };

/**
 * A rectangle on a picture, in fractions of its width and height.
 */
export type BoxView = { x: number, y: number, width: number, height: number, };

/**
 * A stretch of structure.
 */
export type BlockView = { 
/**
 * What it is.
 */
kind: BlockKind, 
/**
 * First UTF-16 unit of the page's text.
 */
start: number, 
/**
 * One past the last.
 */
end: number, 
/**
 * Heading level from 1; 0 otherwise.
 */
level: number, 
/**
 * The format's name of a row, such as `A12`.
 */
cell: string | null, };

/**
 * What a block is.
 */
export type BlockKind = "heading" | "paragraph" | "item" | "header_row" | "row" | "code" | "furniture" | "note";

/**
 * A folder that a space stays in step with.
 */
export type WatchedFolder = { 
/**
 * Its id.
 */
id: number, 
/**
 * The space that its documents go to.
 */
space: number, 
/**
 * Its last name.
 */
name: string, 
/**
 * Where it is.
 */
path: string, 
/**
 * The label of its documents.
 */
label: Label, 
/**
 * How it stands.
 */
state: WatchState, 
/**
 * The state in a few words, with the reason where there is one: "Watching", "Not reachable: ...".
 */
words: string, 
/**
 * Files in it that were seen.
 */
files: number, 
/**
 * Of those, files whose document answers.
 */
answering: number, 
/**
 * Of those, files that are being read or wait for it.
 */
waiting: number, 
/**
 * What needs a person or is left out, at most 200.
 */
problems: Array<WatchProblem>, 
/**
 * How many there are in all.
 */
problems_total: number, 
/**
 * When it was last seen whole.
 */
looked_ms: number | null, };

/**
 * How a watched folder stands.
 */
export type WatchState = "looking" | "watching" | "polling" | "paused" | "not_reachable" | "too_many";

/**
 * Something in a watched folder that did not become a document.
 */
export type WatchProblem = { 
/**
 * Its path below the folder.
 */
path: string, 
/**
 * Why, in one sentence.
 */
why: string, 
/**
 * Its job, where trying again may help.
 */
job: number | null, };

/**
 * One remembered sentence.
 */
export type Memory = { 
/**
 * Its id.
 */
id: number, 
/**
 * The space it applies in; absent: everywhere.
 */
space: number | null, 
/**
 * The sentence.
 */
text: string, 
/**
 * How it was learnt: "You asked".
 */
learnt: string, 
/**
 * Its label.
 */
label: Label, 
/**
 * When it was kept.
 */
created_ms: number, 
/**
 * Answers it was used in.
 */
used: number, 
/**
 * When it was used last.
 */
last_used_ms: number | null, 
/**
 * Whether it is set aside for now.
 */
paused: boolean, };

/**
 * The part that a model plays.
 */
export type Role = "chat" | "draft" | "code" | "embed" | "rerank" | "verify" | "vision" | "speech" | "image";

/**
 * The models screen.
 */
export type Models = { 
/**
 * This machine.
 */
machine: Machine, 
/**
 * Memory, drawn to scale, in order; the rest is free.
 */
memory: Array<MemoryPart>, 
/**
 * Who plays which part, for the parts that Hearth can use now.
 */
roles: Array<RoleRow>, 
/**
 * On this machine.
 */
installed: Array<Model>, 
/**
 * Could be fetched.
 */
catalogue: Array<Model>, };

/**
 * This machine.
 */
export type Machine = { 
/**
 * Threads that compute.
 */
cores: number, 
/**
 * Installed memory.
 */
memory_bytes: number, 
/**
 * Free on the disk that holds the models.
 */
disk_free_bytes: number, 
/**
 * What computes: "CPU, AVX2".
 */
compute: string, };

/**
 * A stretch of the memory bar.
 */
export type MemoryPart = { 
/**
 * What it is.
 */
kind: MemoryKind, 
/**
 * Its name for people.
 */
name: string, 
/**
 * Its size.
 */
bytes: number, 
/**
 * "plus 0.1 GB for 2k of context", where there is more to say.
 */
note: string, };

/**
 * What a stretch of the memory bar is.
 */
export type MemoryKind = "core" | "model" | "others" | "free";

/**
 * Who plays a part.
 */
export type RoleRow = { 
/**
 * The part.
 */
role: Role, 
/**
 * The model that plays it.
 */
model: string | null, 
/**
 * Installed models that could.
 */
choices: Array<string>, 
/**
 * Whether it is loaded.
 */
loaded: boolean, 
/**
 * Whether nobody has to play it.
 */
may_be_empty: boolean, 
/**
 * Why who was chosen does not play the part; empty where nothing is amiss.
 */
note: string, };

/**
 * A model.
 */
export type Model = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its name for people.
 */
name: string, 
/**
 * Such as `Q4_K_M`.
 */
quantization: string, 
/**
 * Of its files together.
 */
size_bytes: number, 
/**
 * Whether the size is only about right.
 */
size_about: boolean, 
/**
 * What it is good at.
 */
roles: Array<Role>, 
/**
 * SPDX licence id or name.
 */
licence: string, 
/**
 * Tokens of context that it can have.
 */
n_ctx: number, 
/**
 * Tokens of context that a person chose; nothing leaves it to the model.
 */
context: number | null, 
/**
 * How it fits this machine.
 */
fit: Fit, 
/**
 * Weights, context and working memory by its numbers alone, bytes.
 */
computed_bytes: number, 
/**
 * What a short run of these weights gave on this machine.
 */
measured: Measured | null, 
/**
 * Where it computes, in its engine's words; empty where it is not loaded.
 */
place: string, 
/**
 * Its weights, where they are used from another program's folder.
 */
elsewhere: string | null, 
/**
 * How it stands here.
 */
state: ModelPresence, 
/**
 * Whether Hearth's engine can run it now, else why not.
 */
unsupported: string | null, };

/**
 * A short run of a model on this machine.
 */
export type Measured = { 
/**
 * When.
 */
at_ms: number, 
/**
 * The machine: "2 cores, AVX2, 24 GB".
 */
machine: string, 
/**
 * Milliseconds until it was loaded.
 */
load_ms: number, 
/**
 * Tokens read a second, by models that write.
 */
reads_per_second: number | null, 
/**
 * Tokens written a second; passages for models that read them.
 */
per_second: number, 
/**
 * The most memory that its process held, bytes.
 */
peak_bytes: number, 
/**
 * Where it computed.
 */
place: string, };

/**
 * A model that another program keeps on this machine.
 */
export type FoundModel = { 
/**
 * The id that it gets here.
 */
id: string, 
/**
 * As its program names it.
 */
name: string, 
/**
 * The program that keeps it.
 */
program: string, 
/**
 * Its file.
 */
path: string, 
/**
 * Its size, bytes.
 */
size_bytes: number, 
/**
 * Such as `Q4_K_M`; empty where it is not known.
 */
quantization: string, 
/**
 * Its licence; `unknown` where its program keeps none.
 */
licence: string, 
/**
 * How it fits this machine.
 */
fit: Fit, 
/**
 * Whether a model of this id is installed.
 */
installed: boolean, 
/**
 * Why it cannot be used; nothing where it can.
 */
unsupported: string | null, };

/**
 * How a model fits this machine.
 */
export type Fit = { 
/**
 * The verdict.
 */
level: FitLevel, 
/**
 * Tokens (or passages) a second.
 */
per_second: number | null, 
/**
 * Whether `per_second` was measured on this machine; else it is estimated.
 */
measured: boolean, 
/**
 * Weights, context and working memory; from a measurement where there is one.
 */
needs_bytes: number, 
/**
 * The most memory that it took when it was measured here.
 */
measured_bytes: number | null, 
/**
 * What is missing, where it will not fit.
 */
short_bytes: number, };

/**
 * The verdict.
 */
export type FitLevel = "runs_well" | "slower" | "tight" | "will_not_fit";

/**
 * How a model stands on this machine.
 */
export type ModelPresence = { "kind": "absent" } | { "kind": "downloading", 
/**
 * So far.
 */
done_bytes: number, 
/**
 * In all.
 */
total_bytes: number, 
/**
 * A second.
 */
bytes_per_second: number, } | { "kind": "paused", 
/**
 * So far.
 */
done_bytes: number, 
/**
 * In all.
 */
total_bytes: number, 
/**
 * Why, where not by a person.
 */
error: Error | null, } | { "kind": "installed" } | { "kind": "loaded" } | { "kind": "damaged", 
/**
 * Which file, and what to do.
 */
error: Error, };

/**
 * One entry of the record.
 */
export type AuditEntry = { 
/**
 * Its place in the chain.
 */
seq: number, 
/**
 * When.
 */
at_ms: number, 
/**
 * Such as `turn.answered`, `document.indexed`, `refused`.
 */
kind: string, 
/**
 * One plain sentence; empty where purged.
 */
sentence: string, 
/**
 * The turn, where it is about one.
 */
turn: number | null, 
/**
 * The document, where it is about one.
 */
document: number | null, 
/**
 * How long it took, where it did.
 */
took_ms: number | null, 
/**
 * What was recorded besides, as JSON text; absent where purged.
 */
detail: string | null, 
/**
 * Its seal.
 */
hash: string, 
/**
 * The seal before it.
 */
previous: string, };

/**
 * What checking the chain found.
 */
export type AuditCheck = { 
/**
 * Entries checked.
 */
entries: number, 
/**
 * The last seal.
 */
head: string, 
/**
 * When it was checked.
 */
checked_ms: number, 
/**
 * Where it is broken first.
 */
broken: AuditBreak | null, 
/**
 * Every place where it is broken, in order; at most 1,000.
 */
flaws: Array<AuditBreak>, };

/**
 * A break in the chain.
 */
export type AuditBreak = { 
/**
 * The first entry that does not hold.
 */
seq: number, 
/**
 * The last of a stretch of which the same is true.
 */
last: number, 
/**
 * When it says it was made.
 */
at_ms: number | null, 
/**
 * What is wrong with it.
 */
why: string, };

/**
 * The signed end of the record, to be kept elsewhere.
 */
export type Anchor = { 
/**
 * Names the form of this file: `hearth audit anchor 1`.
 */
format: string, 
/**
 * How many entries there were.
 */
entries: number, 
/**
 * The last one's hash, hexadecimal.
 */
hash: string, 
/**
 * When it was made.
 */
at_ms: number, 
/**
 * The vault's public key, hexadecimal.
 */
public_key: string, 
/**
 * Ed25519 over format, entries, hash and time, hexadecimal.
 */
signature: string, };

/**
 * What comparing the record with an anchor found.
 */
export type AnchorView = { 
/**
 * Whether the record goes on from where the anchor was made.
 */
holds: boolean, 
/**
 * The same in one sentence.
 */
sentence: string, 
/**
 * The entry from which on it does not.
 */
seq: number | null, };

/**
 * The collector on this machine that is told how questions were worked on: spans of OpenTelemetry, never words.
 */
export type Collector = { 
/**
 * Where it listens; none where nobody is told.
 */
address: string | null, 
/**
 * Whether it took what it was told last; none where it was told nothing yet.
 */
works: boolean | null, 
/**
 * How it stands.
 */
sentence: string, };

/**
 * What running a turn again came to.
 */
export type Replay = { 
/**
 * The turn, which stays as it was.
 */
turn: number, 
/**
 * How it came out.
 */
verdict: ReplayVerdict, 
/**
 * The same in one sentence.
 */
sentence: string, 
/**
 * What the turn was made from, each compared with what is here now.
 */
inputs: Array<ReplayInput>, 
/**
 * Each time a model was asked.
 */
calls: Array<ReplayCall>, 
/**
 * The answer as it was kept.
 */
before: string, 
/**
 * What the model wrote now; empty where it was not asked.
 */
now: string, 
/**
 * How long it took.
 */
took_ms: number, 
/**
 * The replay's own entry in the record.
 */
entry: number, };

/**
 * How a replay came out.
 */
export type ReplayVerdict = "same" | "differs" | "in_part" | "not_run";

/**
 * One thing that a turn was made from.
 */
export type ReplayInput = { 
/**
 * What it is, such as "model file", "threads", "A-103, version 2".
 */
name: string, 
/**
 * Then.
 */
before: string, 
/**
 * Now.
 */
now: string, 
/**
 * Whether it is the same.
 */
same: boolean, };

/**
 * One time that a model was asked, then and now.
 */
export type ReplayCall = { 
/**
 * What for: "answer", "draft", "part 3".
 */
name: string, 
/**
 * The model's name for people.
 */
model: string, 
/**
 * Whether it was run again.
 */
run: boolean, 
/**
 * Whether its tokens are the same, as far as they were written then.
 */
same: boolean, 
/**
 * Why it was not run, or how far the comparison reaches; empty where there is nothing to add.
 */
note: string, 
/**
 * Tokens written then.
 */
tokens_before: number, 
/**
 * Tokens written now.
 */
tokens_now: number, 
/**
 * The first token that is another.
 */
difference: ReplayDifference | null, 
/**
 * What was written then.
 */
before: string, 
/**
 * What was written now.
 */
now: string, };

/**
 * Where two answers part.
 */
export type ReplayDifference = { 
/**
 * Which token of the answer, from 1.
 */
token: number, 
/**
 * UTF-16 offset in the text of then, and in the text of now, from which on they differ.
 */
at: number, 
/**
 * The words there then.
 */
before: string, 
/**
 * The words there now.
 */
now: string, };

/**
 * Where an answer came from.
 */
export type Lineage = { 
/**
 * The turn.
 */
turn: number, 
/**
 * Its conversation.
 */
conversation: number, 
/**
 * Its question.
 */
question: string, 
/**
 * Versions of documents that were read for it.
 */
versions: Array<LineageVersion>, 
/**
 * Memories that the model was given.
 */
memories: Array<LineageMemory>, 
/**
 * Tools that were called.
 */
tools: Array<string>, 
/**
 * Models that wrote, with the recipes they were asked by.
 */
models: Array<LineageModel>, 
/**
 * Earlier questions of the conversation that the model read again.
 */
earlier: Array<number>, };

/**
 * A version that an answer was made from.
 */
export type LineageVersion = { 
/**
 * The document.
 */
document: number, 
/**
 * The version.
 */
version: number, 
/**
 * Its title; "An erased document" where it was erased.
 */
title: string, 
/**
 * Which version, from 1; 0 where it was erased.
 */
number: number, 
/**
 * SHA-256 of its bytes; empty where it was erased.
 */
sha256: string, 
/**
 * Whether it still answers.
 */
current: boolean, 
/**
 * Passages that the model was given.
 */
passages: number, 
/**
 * Places that the answer cites.
 */
cited: number, };

/**
 * A memory that an answer was made with.
 */
export type LineageMemory = { 
/**
 * The memory.
 */
memory: number, 
/**
 * What it says; empty where it was erased since.
 */
text: string, };

/**
 * A model that wrote.
 */
export type LineageModel = { 
/**
 * What for: "answer", "draft", "part 3".
 */
wrote: string, 
/**
 * Its name for people.
 */
name: string, 
/**
 * SHA-256 of its weights, where known.
 */
sha256: string | null, 
/**
 * The recipe it was asked by, with its version.
 */
recipe: string, };

/**
 * An answer that used a document.
 */
export type DocumentUse = { 
/**
 * The turn.
 */
turn: number, 
/**
 * Its conversation.
 */
conversation: number, 
/**
 * Its question.
 */
question: string, 
/**
 * When it was asked.
 */
asked_ms: number, 
/**
 * How it stands: `answered`, `abstained`, ...
 */
state: TurnState, 
/**
 * Places of the document that its answer cites; 0 where it only had read it, or was told of it before.
 */
cited: number, 
/**
 * Numbers of the versions cited.
 */
versions: Array<number>, 
/**
 * Whether another answer took its place.
 */
replaced: boolean, };

/**
 * Figures of a time, computed from the kept record alone.
 */
export type Metrics = { 
/**
 * From when.
 */
from_ms: number, 
/**
 * Until when, not included.
 */
until_ms: number, 
/**
 * Questions that ended.
 */
turns: number, 
/**
 * Those that were answered.
 */
answered: number, 
/**
 * Those of which the documents say nothing.
 */
abstained: number, 
/**
 * Those that a rule refused.
 */
refused: number, 
/**
 * Those that failed.
 */
failed: number, 
/**
 * Milliseconds from question to end: half were quicker.
 */
total_p50_ms: number, 
/**
 * 95 of 100 were quicker.
 */
total_p95_ms: number, 
/**
 * By station, in the order of the waterfall.
 */
stations: Array<StationLatency>, 
/**
 * Tokens read.
 */
prompt_tokens: number, 
/**
 * Of those, taken from the cache.
 */
cached_tokens: number, 
/**
 * Tokens written.
 */
new_tokens: number, 
/**
 * Sentences that were checked.
 */
sentences: number, 
/**
 * Those that a source bears out.
 */
supported: number, 
/**
 * Tools called.
 */
tools: number, 
/**
 * Those that answered.
 */
tools_done: number, 
/**
 * Attempts to reach outside, refused ones too.
 */
attempts: number, 
/**
 * Bytes sent.
 */
bytes_out: number, 
/**
 * Resident memory of Hearth's processes now, in bytes.
 */
memory_bytes: number, };

/**
 * How long a station took.
 */
export type StationLatency = { 
/**
 * Its name.
 */
name: string, 
/**
 * How often it ran.
 */
count: number, 
/**
 * Half were quicker.
 */
p50_ms: number, 
/**
 * 95 of 100 were quicker.
 */
p95_ms: number, };

/**
 * Which entries of the record leave in an export.
 */
export type ExportFormat = "jsonl" | "csv" | "otlp";

/**
 * A form of the compliance report.
 */
export type ReportFormat = "html" | "pdf";

/**
 * A file made for a person.
 */
export type ExportedFile = { 
/**
 * A name for it.
 */
name: string, 
/**
 * Its media type.
 */
mime: string, 
/**
 * Its bytes in base64.
 */
base64: string, 
/**
 * What it holds, in a sentence.
 */
sentence: string, };

/**
 * One turn as a waterfall.
 */
export type Trace = { 
/**
 * The turn.
 */
turn: number, 
/**
 * Its conversation.
 */
conversation: number, 
/**
 * The question.
 */
question: string, 
/**
 * When it was asked.
 */
asked_ms: number, 
/**
 * "answered in 5.9 s by SmolLM2 135M on this machine".
 */
summary: string, 
/**
 * In the order of the diagram: Admit, Label, Route, Recall, Retrieve, Generate, Tool, Verify, Record.
 */
stations: Array<Station>, 
/**
 * Outbound connections made for it.
 */
connections: number, 
/**
 * Bytes out.
 */
bytes_out: number, 
/**
 * Bytes in.
 */
bytes_in: number, 
/**
 * Tokens read.
 */
prompt_tokens: number, 
/**
 * Tokens written.
 */
new_tokens: number, 
/**
 * The seal of its entry.
 */
hash: string, 
/**
 * The seal before.
 */
previous: string, };

/**
 * One station of a turn.
 */
export type Station = { 
/**
 * Its name for people: Admit, Label, ...
 */
name: string, 
/**
 * How it went.
 */
outcome: Outcome, 
/**
 * One plain sentence.
 */
sentence: string, 
/**
 * A few words beside it: "rules 1, 3", "96 tokens".
 */
aside: string, 
/**
 * From the question.
 */
start_ms: number, 
/**
 * How long; a mark within the bar is `mark_ms`.
 */
took_ms: number, 
/**
 * From the question: such as the first word.
 */
mark_ms: number | null, 
/**
 * Opened: the decision in words.
 */
decision: string | null, 
/**
 * Opened: what else was weighed.
 */
weighed: Array<string>, 
/**
 * Opened: the policy text that applied, or other record lines.
 */
record: string | null, };

/**
 * How a station went.
 */
export type Outcome = "done" | "partly" | "refused" | "failed" | "skipped" | "running";

/**
 * One attempt to reach outside.
 */
export type LedgerRow = { 
/**
 * Its id.
 */
id: number, 
/**
 * When.
 */
at_ms: number, 
/**
 * What for.
 */
purpose: string, 
/**
 * To whom.
 */
host: string, 
/**
 * The rule that allowed or refused it.
 */
rule: string, 
/**
 * How it ended.
 */
outcome: string, 
/**
 * Sent.
 */
bytes_out: number, 
/**
 * Received.
 */
bytes_in: number, 
/**
 * Who wanted it: `person` or `house`.
 */
who: string, 
/**
 * How guarded the text is that it carried; none where it carried none.
 */
label: Label | null, };

/**
 * The privacy screen.
 */
export type Privacy = { 
/**
 * The mode that holds.
 */
mode: Mode, 
/**
 * The mode in a sentence.
 */
mode_sentence: string, 
/**
 * All modes, strictest first.
 */
modes: Array<ModeView>, 
/**
 * Why less is allowed than a person chose, where that is so.
 */
trouble: string | null, 
/**
 * What the organization laid down, where this vault belongs to one.
 */
organization: OrganizationView | null, 
/**
 * The part that this person plays: Viewer, Member, Steward or Auditor.
 */
person: string, 
/**
 * Whether this person may change the rules.
 */
may_rule: boolean, 
/**
 * A person's own rules, in Cedar.
 */
own_rules: string, 
/**
 * Grants that hold.
 */
grants: Array<GrantView>, 
/**
 * The rules, in order.
 */
rules: Array<RuleView>, 
/**
 * What may go where.
 */
grid: Grid, 
/**
 * Everything that reached out, newest first, at most 50.
 */
ledger: Array<LedgerRow>, 
/**
 * Bytes out since the vault was made.
 */
bytes_out: number, 
/**
 * When the vault was made.
 */
since_ms: number, 
/**
 * What the system enforces around the engine and reader processes.
 */
guards: Array<Guard>, };

/**
 * A rule.
 */
export type RuleView = { 
/**
 * Its number.
 */
number: number, 
/**
 * Its name.
 */
name: string, 
/**
 * Its plain sentence.
 */
sentence: string, 
/**
 * Its text.
 */
text: string, 
/**
 * Who made it: "Built in", "Organization" or "Yours".
 */
origin: string, 
/**
 * How often it decided since Hearth was started.
 */
applied: number, };

/**
 * Labels against destinations.
 */
export type Grid = { 
/**
 * The columns: "This machine", "Tools", ...
 */
destinations: Array<string>, 
/**
 * One row for each label.
 */
rows: Array<GridRow>, };

/**
 * One label's row.
 */
export type GridRow = { 
/**
 * The label.
 */
label: Label, 
/**
 * One cell for each destination.
 */
cells: Array<GridCell>, };

/**
 * What a rule says.
 */
export type GridCell = "allow" | "ask" | "deny";

/**
 * Something the system enforces, or cannot here.
 */
export type Guard = { 
/**
 * Its name.
 */
name: string, 
/**
 * Whether it holds on this machine.
 */
enforced: boolean, 
/**
 * One plain sentence.
 */
detail: string, };

/**
 * One line of `doctor`.
 */
export type Finding = { 
/**
 * What was looked at.
 */
name: string, 
/**
 * Whether it works.
 */
works: boolean, 
/**
 * What was found, and what to do.
 */
detail: string, };

/**
 * A secret on its way in. It is never answered, and shows nothing when it is printed.
 */
export type SecretText = string;

/**
 * Whose wire format a provider speaks.
 */
export type Service = "openai" | "anthropic" | "google" | "mistral" | "deepseek" | "compatible";

/**
 * A provider as a person sets it up.
 */
export type NewProvider = { 
/**
 * Its id, where one that is there is changed.
 */
id: string | null, 
/**
 * What it is called here.
 */
name: string, 
/**
 * Whose wire format it speaks.
 */
service: Service, 
/**
 * Its address; none for the service's usual one.
 */
address: string | null, 
/**
 * The model's name there.
 */
model: string, 
/**
 * Where it is and whose, such as "eu" or "own hardware"; none where nobody said.
 */
residency: string | null, 
/**
 * Whether it keeps what it is sent, in the person's words; none where that is not known.
 */
keeps: string | null, 
/**
 * Its key, given once; none leaves the one that is kept, an empty one takes it away.
 */
key: SecretText | null, 
/**
 * Dollars for a million tokens read, where a person sets the price.
 */
input_price: number | null, 
/**
 * Dollars for a million tokens written, where a person sets the price.
 */
output_price: number | null, };

/**
 * A provider that is set up.
 */
export type ProviderView = { 
/**
 * Its id.
 */
id: string, 
/**
 * What it is called here.
 */
name: string, 
/**
 * Whose wire format it speaks.
 */
service: Service, 
/**
 * Its address.
 */
address: string, 
/**
 * The host that text would go to.
 */
host: string, 
/**
 * The model's name there.
 */
model: string, 
/**
 * Where it is and whose; "unknown" where nobody said.
 */
residency: string, 
/**
 * Whether it keeps what it is sent, as far as that is known.
 */
keeps: string, 
/**
 * Where its key lies, in words; none where it has none.
 */
key: string | null, 
/**
 * Whether it is a server on this machine or in the own network.
 */
own: boolean, 
/**
 * Its price, in words.
 */
price: string, 
/**
 * Whether that is this model's price; else the dearest known counts.
 */
price_known: boolean, 
/**
 * Dollars for a million tokens, where a person set them.
 */
set_price: [number, number] | null, 
/**
 * Spent with it in thirty days, in words.
 */
spent: string, 
/**
 * Seconds that it is left alone for, after failing again and again.
 */
resting_s: number | null, };

/**
 * What may be spent, in dollars. None is no limit.
 */
export type Budget = { 
/**
 * In one day (UTC), by all together.
 */
day: number | null, 
/**
 * In thirty days, by the person whose vault this is.
 */
person: number | null, 
/**
 * In thirty days, by space.
 */
spaces: { [key in number]: number }, };

/**
 * Who may be asked, and what it may cost.
 */
export type Providers = { 
/**
 * The mode that holds; only "ask before remote" lets text out.
 */
mode: Mode, 
/**
 * Those that are set up.
 */
providers: Array<ProviderView>, 
/**
 * What may be spent.
 */
budget: Budget, 
/**
 * Spent today, in words.
 */
spent_today: string, 
/**
 * Spent in thirty days, in words.
 */
spent_month: string, 
/**
 * Where keys are kept on this machine, in a sentence.
 */
keys: string, 
/**
 * The day of the price list.
 */
prices_of: string, 
/**
 * What contradicts the mode, one sentence each.
 */
conflicts: Array<string>, };

/**
 * What a test of a provider came to, or would send.
 */
export type ProviderTest = { 
/**
 * Whether anything was sent.
 */
sent: boolean, 
/**
 * Whether it works; none where nothing was sent.
 */
works: boolean | null, 
/**
 * What was found, or what a yes would do, in a sentence.
 */
sentence: string, 
/**
 * Exactly the bytes that would be sent, or were.
 */
body: string, 
/**
 * Where to.
 */
host: string, 
/**
 * The most that it can cost, or what it did cost.
 */
cost: string, 
/**
 * The rule that asks or refuses.
 */
rule: RuleRef | null, };

/**
 * What would leave for a stronger model, exactly.
 */
export type RemotePreview = { 
/**
 * Names it for sending.
 */
id: number, 
/**
 * The turn.
 */
turn: number, 
/**
 * The provider's id.
 */
provider: string, 
/**
 * The provider's name.
 */
name: string, 
/**
 * The model there.
 */
model: string, 
/**
 * The host.
 */
host: string, 
/**
 * Where it is and whose.
 */
residency: string, 
/**
 * Whether it keeps what it is sent.
 */
keeps: string, 
/**
 * Why what was written here may not be enough.
 */
why: string, 
/**
 * The fixed instructions that leave with the text.
 */
instructions: string, 
/**
 * The text that leaves. It can be edited; sending takes this and no other.
 */
text: string, 
/**
 * What stands where in it.
 */
pieces: Array<RemotePiece>, 
/**
 * What was hidden in it.
 */
redactions: Array<Redaction>, 
/**
 * How much of each kind was hidden.
 */
hidden: Array<HiddenKind>, 
/**
 * What is held back, and why.
 */
held_back: Array<HeldBack>, 
/**
 * The bytes of the request, as they go to the gate.
 */
body: string, 
/**
 * Their SHA-256.
 */
sha256: string, 
/**
 * The highest label among the pieces.
 */
label: Label, 
/**
 * Tokens, about.
 */
tokens: number, 
/**
 * The most that it can cost, in words.
 */
cost: string, 
/**
 * Where the price comes from.
 */
price_source: string, 
/**
 * The rule that asks or refuses; none where one allows it.
 */
rule: RuleRef | null, 
/**
 * Why it cannot be sent; none where a yes is enough.
 */
refusal: string | null, };

/**
 * A stretch of the text, in UTF-16 code units.
 */
export type RemotePiece = { 
/**
 * "Question", "Passage 1 of 2".
 */
name: string, 
/**
 * Where it is from; empty for the question. This stays here.
 */
title: string, 
/**
 * Its label.
 */
label: Label, 
/**
 * First unit.
 */
start: number, 
/**
 * One past the last.
 */
end: number, };

/**
 * A placeholder in the text, in UTF-16 code units. What it stands for never leaves.
 */
export type Redaction = { 
/**
 * "[Email 1]".
 */
placeholder: string, 
/**
 * "Email".
 */
kind: string, 
/**
 * Whether a rule made it, so that it cannot be taken back.
 */
by_rule: boolean, 
/**
 * First unit.
 */
start: number, 
/**
 * One past the last.
 */
end: number, };

/**
 * How much of one kind was hidden.
 */
export type HiddenKind = { 
/**
 * "Email".
 */
kind: string, 
/**
 * How many different ones.
 */
count: number, };

/**
 * What is held back of one document.
 */
export type HeldBack = { 
/**
 * The document's title.
 */
title: string, 
/**
 * Its label.
 */
label: Label, 
/**
 * Passages of it.
 */
passages: number, 
/**
 * Why, in a sentence.
 */
why: string, };

/**
 * What left for an answer.
 */
export type RemoteAnswer = { 
/**
 * The provider's name.
 */
name: string, 
/**
 * The model there.
 */
model: string, 
/**
 * The host.
 */
host: string, 
/**
 * Bytes out.
 */
bytes_out: number, 
/**
 * Bytes in.
 */
bytes_in: number, 
/**
 * What it cost, in words.
 */
cost: string, 
/**
 * The highest label of what left.
 */
label: Label, 
/**
 * The rule under which a person said yes.
 */
rule: string, 
/**
 * Why the answer made here stands; none where the remote one does.
 */
failed: string | null, };

/**
 * How such a request stands.
 */
export type ReviewState = "open" | "answered" | "dismissed";

/**
 * An answer that a person is asked to look at.
 */
export type Review = { 
/**
 * Its id.
 */
id: number, 
/**
 * The turn.
 */
turn: number, 
/**
 * The turn's conversation.
 */
conversation: number, 
/**
 * The space.
 */
space: number, 
/**
 * What was asked.
 */
question: string, 
/**
 * What Hearth came to: the answer, or that the documents do not say.
 */
said: string, 
/**
 * Why it is here, in words.
 */
why: string, 
/**
 * How it stands.
 */
state: ReviewState, 
/**
 * Who is to look at it.
 */
assigned: string | null, 
/**
 * When it was handed over.
 */
opened_ms: number, 
/**
 * What the person answered.
 */
answer: string | null, 
/**
 * Who that was.
 */
answered_by: string | null, 
/**
 * When.
 */
answered_ms: number | null, 
/**
 * How guarded the answer is, at least.
 */
label: Label, 
/**
 * The job that reads the answer into the library.
 */
job: number | null, 
/**
 * The document that the answer became, once it is read.
 */
document: number | null, };

/**
 * An event with its place in the stream. A gap in `seq` means: ask again for what is on screen.
 */
export type Envelope = { 
/**
 * Counts up by one.
 */
seq: number, 
/**
 * What happened.
 */
event: Event, };

/**
 * What happened.
 */
export type Event = { "kind": "hello" } | { "kind": "status", 
/**
 * All of them.
 */
status: Status, } | { "kind": "turn", 
/**
 * Its conversation.
 */
conversation: number, 
/**
 * The turn.
 */
turn: number, 
/**
 * What is new.
 */
news: TurnNews, } | { "kind": "job", 
/**
 * The whole job.
 */
job: Job, } | { "kind": "model", 
/**
 * The whole model.
 */
model: Model, } | { "kind": "drag", 
/**
 * Over the window now.
 */
over: boolean, 
/**
 * Pointer, in CSS px, while over.
 */
x: number, 
/**
 * Pointer, in CSS px, while over.
 */
y: number, } | { "kind": "dropped", 
/**
 * The grant.
 */
offer: Offer, 
/**
 * Where, in CSS px.
 */
x: number, 
/**
 * Where, in CSS px.
 */
y: number, } | { "kind": "stale", 
/**
 * Names of commands.
 */
commands: Array<string>, } | { "kind": "focused" };

/**
 * What is new about a turn.
 */
export type TurnNews = { "kind": "began", 
/**
 * As it stands.
 */
turn: Turn, } | { "kind": "quotes", 
/**
 * At most three.
 */
quotes: Array<Quote>, 
/**
 * The sources so far.
 */
sources: Array<Source>, 
/**
 * From the question's arrival.
 */
took_ms: number, 
/**
 * Documents that were searched.
 */
searched_documents: number, } | { "kind": "doing", 
/**
 * The words.
 */
what: string, 
/**
 * Tokens a second, while known.
 */
tokens_per_second: number | null, } | { "kind": "words", 
/**
 * They follow what came before.
 */
text: string, } | { "kind": "checked", 
/**
 * In order.
 */
sentences: Array<Sentence>, 
/**
 * The sources so far.
 */
sources: Array<Source>, } | { "kind": "ended", 
/**
 * As it stands.
 */
turn: Turn, };

/** Every command: its arguments and its reply. */
export type CommandMap = {
  /** How the vault stands. Works when locked. */
  GetVault: { args: Record<symbol, never>; reply: VaultState };
  /** Makes the vault, locked by a passphrase, or by this machine's keyring when none is given. */
  CreateVault: { args: { passphrase: string | null, }; reply: VaultState };
  /** Opens the vault by passphrase, or by this machine's keyring when none is given. */
  UnlockVault: { args: { passphrase: string | null, }; reply: VaultState };
  /** Locks the vault at once: engines stop, running turns are kept as stopped. */
  LockVault: { args: Record<symbol, never>; reply: VaultState };
  /** Changes what opens the vault; `None` is this machine's keyring. */
  ChangePassphrase: { args: { current: string | null, new: string | null, }; reply: VaultState };
  /** What the status bar states. Works when locked. */
  GetStatus: { args: Record<symbol, never>; reply: Status };
  /** What a person chose for the interface. */
  GetSettings: { args: Record<symbol, never>; reply: Settings };
  /** Changes the settings that are given. */
  SetSettings: { args: { settings: Settings, }; reply: Settings };
  /** What works on this machine and what does not. Works when locked. */
  GetDoctor: { args: Record<symbol, never>; reply: Array<Finding> };
  /** Rebuilds a damaged vault from what can be read, and says what came of it. A vault that is whole is left alone. */
  RepairVault: { args: Record<symbol, never>; reply: Array<Finding> };
  /** All spaces. */
  ListSpaces: { args: Record<symbol, never>; reply: Array<Space> };
  /** Makes a space. */
  CreateSpace: { args: { name: string, }; reply: Space };
  /** Renames a space. */
  RenameSpace: { args: { space: number, name: string, }; reply: Space };
  /** Changes the least that everything in a space has; lowering needs `confirmed`. What is less guarded in it rises. */
  SetSpaceLabel: { args: { space: number, label: Label, confirmed: boolean, }; reply: Space };
  /** The home screen of a space. */
  GetHome: { args: { space: number, }; reply: Home };
  /** Conversations of a space, newest first. */
  ListConversations: { args: { space: number, }; reply: Array<ConversationRow> };
  /** One conversation, whole. */
  GetConversation: { args: { conversation: number, }; reply: Conversation };
  /** Renames a conversation. */
  RenameConversation: { args: { conversation: number, title: string, }; reply: Done };
  /** Removes a conversation; it can be put back until Hearth is started anew. */
  RemoveConversation: { args: { conversation: number, }; reply: Done };
  /** Puts a removed conversation back. */
  RestoreConversation: { args: { conversation: number, }; reply: Done };
  /** Asks; the answer arrives as events of the turn. Without a conversation a new one begins. */
  Ask: { args: { space: number, conversation: number | null, text: string, attachments: Array<number>, grounding: Grounding, }; reply: Asked };
  /** Stops a turn; what was written is kept and checked. */
  StopTurn: { args: { turn: number, }; reply: Done };
  /** Answers the last question of its conversation again, in place of this turn. */
  Regenerate: { args: { turn: number, grounding: Grounding | null, }; reply: Asked };
  /** Replaces the last question of its conversation and answers the new one. */
  EditQuestion: { args: { turn: number, text: string, }; reply: Asked };
  /** Hands an answer to a person, to look at what the documents do not say; once for each turn. */
  HandToPerson: { args: { turn: number, to: string | null, }; reply: Review };
  /** What waits for a person in a space; with `all` also what was answered or let go. */
  ListReviews: { args: { space: number, all: boolean, }; reply: Array<Review> };
  /** Says who is to look at it; nobody in particular with none. */
  AssignReview: { args: { review: number, to: string | null, }; reply: Review };
  /** Answers it. The answer becomes a document that later questions find and cite, with who gave it and when. */
  AnswerReview: { args: { review: number, answer: string, by: string, }; reply: Review };
  /** Lets it go; it can be taken up again. */
  DismissReview: { args: { review: number, }; reply: Review };
  /** Takes up what was let go. */
  ReopenReview: { args: { review: number, }; reply: Review };
  /** Finds passages, conversations and documents as a person types. */
  Search: { args: { space: number, text: string, limit: number, }; reply: Hits };
  /** Opens the system's file dialog; none when a person cancels it. Desktop only. */
  ChooseFiles: { args: { folder: boolean, }; reply: Offer | null };
  /** Hands over bytes from the page (paste, or a browser's drop). */
  OfferFiles: { args: { files: Array<OfferedFile>, }; reply: Offer };
  /** Hands over pasted text as a document. */
  OfferText: { args: { name: string, text: string, }; reply: Offer };
  /** Starts reading what was offered: one job for each file. */
  ImportOffer: { args: { offer: number, space: number, destination: Destination, label: Label | null, }; reply: Array<Job> };
  /** Lets an offer go. */
  DropOffer: { args: { offer: number, }; reply: Done };
  /** Jobs of a space that are under way, failed, or ended since the list was last cleared. */
  ListJobs: { args: { space: number, }; reply: Array<Job> };
  /** Stops jobs and lets their files go. */
  CancelJobs: { args: { jobs: Array<number>, }; reply: Done };
  /** Tries a failed job again, with a password where one is needed (used once, not kept). */
  RetryJob: { args: { job: number, password: string | null, }; reply: Job };
  /** Takes ended or failed jobs off the list. */
  DismissJobs: { args: { jobs: Array<number>, }; reply: Done };
  /** The library's table: documents, and files that have not become one. */
  ListDocuments: { args: { space: number, text: string | null, labels: Array<Label>, kinds: Array<Kind>, limit: number, }; reply: Library };
  /** What the inspector shows. */
  GetDocument: { args: { document: number, }; reply: DocumentDetail };
  /** Removes documents from every answer at once; they can be put back until Hearth is started anew. */
  RemoveDocuments: { args: { documents: Array<number>, }; reply: Done };
  /** Puts removed documents back. */
  RestoreDocuments: { args: { documents: Array<number>, }; reply: Done };
  /** Changes a label; lowering it needs `confirmed`. */
  SetLabel: { args: { document: number, label: Label, confirmed: boolean, }; reply: Done };
  /** Says what another document, found nearly the same, is to one. The later revision comes first in answers. */
  JudgeAlike: { args: { document: number, other: number, relation: Relation, }; reply: Done };
  /** Opens a version in the viewer; without one, the document's current version. */
  OpenVersion: { args: { document: number, version: number | null, }; reply: OpenedVersion };
  /** One page, with a picture `width_px` wide for paged formats (0: none), and boxes for the spans asked for. */
  GetPage: { args: { version: number, page: number, width_px: number, spans: Array<Span>, }; reply: PageView };
  /** What changed from one version to another, of the same document or of two. */
  CompareVersions: { args: { from: number, to: number, }; reply: Comparison };
  /** Stretches of a version's text that match, for find: at most 200. */
  FindInVersion: { args: { version: number, text: string, }; reply: Array<Span> };
  /** The folders that a space stays in step with. */
  ListWatched: { args: { space: number, }; reply: Array<WatchedFolder> };
  /** Opens the system's dialog for folders to stay in step with; none when a person cancels it. Desktop only. */
  ChooseWatched: { args: { space: number, label: Label | null, }; reply: Array<WatchedFolder> };
  /** Stays in step with the folders of an offer, whether it was imported or not. */
  WatchOffer: { args: { offer: number, space: number, label: Label | null, }; reply: Array<WatchedFolder> };
  /** Sets a watched folder aside, or takes it up again. */
  PauseWatched: { args: { folder: number, paused: boolean, }; reply: WatchedFolder };
  /** Looks a watched folder over at once. */
  CheckWatched: { args: { folder: number, }; reply: WatchedFolder };
  /** Stops watching a folder; its documents stay, or are removed (and can be put back until Hearth is started anew). */
  StopWatching: { args: { folder: number, remove: boolean, }; reply: Done };
  /** Memories that apply in a space. */
  ListMemories: { args: { space: number, }; reply: Array<Memory> };
  /** Keeps a sentence, for a space or everywhere. */
  Remember: { args: { space: number | null, text: string, }; reply: Memory };
  /** Forgets memories; for ten seconds they can be put back, then they are erased. */
  Forget: { args: { memories: Array<number>, }; reply: Done };
  /** Puts forgotten memories back. */
  RestoreMemories: { args: { memories: Array<number>, }; reply: Done };
  /** The models screen. */
  ListModels: { args: Record<symbol, never>; reply: Models };
  /** Fetches a model of the catalogue, or goes on with a paused download. */
  DownloadModel: { args: { model: string, }; reply: Model };
  /** Sets a download aside; what is there is kept. */
  PauseDownload: { args: { model: string, }; reply: Model };
  /** Ends a download and throws away what is there. */
  CancelDownload: { args: { model: string, }; reply: Model };
  /** Opens the system's dialog to add a model from a file. Desktop only. */
  AddModel: { args: Record<symbol, never>; reply: Model | null };
  /** Removes an installed model's files. */
  RemoveModel: { args: { model: string, }; reply: Done };
  /** Gives a part to an installed model. Nobody has to play `draft` or `code`: an empty name takes such a part away. */
  SetRole: { args: { role: Role, model: string, }; reply: Done };
  /** Loads a model into memory. */
  LoadModel: { args: { model: string, }; reply: Model };
  /** Unloads a model. */
  UnloadModel: { args: { model: string, }; reply: Model };
  /** Runs a model for a few seconds and keeps what it took: time to load, speeds, memory. Blocks meanwhile. */
  MeasureModel: { args: { model: string, }; reply: Model };
  /** Chooses how many tokens of context a model has, within its own; nothing leaves it to the model. */
  SetContext: { args: { model: string, context: number | null, }; reply: Model };
  /** Asks two installed models the same questions, one after the other in the background, by the same recipe and with the same passages. `blind` hides their names until a person chose. */
  CompareModels: { args: { space: number, first: string, second: string, questions: Array<string>, blind: boolean, }; reply: Contest };
  /** Comparisons of models, newest first. */
  ListContests: { args: Record<symbol, never>; reply: Array<ContestRow> };
  /** One comparison of models with its answers. */
  GetContest: { args: { contest: number, }; reply: Contest };
  /** Keeps which answer to a question of a comparison is better. It can be chosen again; earlier choices are kept. */
  ChooseAnswer: { args: { question: number, choice: Preferred, }; reply: Contest };
  /** Asks no more questions of a comparison. */
  StopContest: { args: { contest: number, }; reply: Done };
  /** Asks the questions of a comparison that it was stopped before, or that the program ended before. */
  ResumeContest: { args: { contest: number, }; reply: Contest };
  /** Models that other programs keep on this machine. */
  ListFoundModels: { args: Record<symbol, never>; reply: Array<FoundModel> };
  /** Uses one of those where it lies, without copying it. */
  AddFoundModel: { args: { model: string, }; reply: Model };
  /** Entries of the record, newest first, before a place in the chain. */
  ListActivity: { args: { before: number | null, limit: number, text: string | null, from_ms: number | null, until_ms: number | null, }; reply: Array<AuditEntry> };
  /** One turn as a waterfall. */
  GetTrace: { args: { turn: number, }; reply: Trace };
  /** Checks the whole chain. */
  VerifyAudit: { args: Record<symbol, never>; reply: AuditCheck };
  /** Compares the record with a signed end of it that was kept elsewhere. */
  CheckAnchor: { args: { anchor: Anchor, }; reply: AnchorView };
  /** The signed end of the record as it is now, to be kept elsewhere. */
  MakeAnchor: { args: Record<symbol, never>; reply: Anchor };
  /** Runs a turn again with the same model, passages, prompt, settings and seed, and compares. The turn stays as it is; that it was replayed is noted in the record. Blocks meanwhile. */
  ReplayTurn: { args: { turn: number, }; reply: Replay };
  /** Where an answer came from. */
  GetLineage: { args: { turn: number, }; reply: Lineage };
  /** Every answer that used a document: whom to tell if it was wrong. Newest first. */
  ListUses: { args: { document: number, }; reply: Array<DocumentUse> };
  /** Figures of a time from the kept record; the last 30 days without one. They never leave this machine. */
  GetMetrics: { args: { from_ms: number | null, until_ms: number | null, }; reply: Metrics };
  /** Entries of the record as a file, by the same filters as the list. Text of questions and answers is left out unless `content` asks for it, which a rule may ask about; text of documents is never in it. */
  ExportRecord: { args: { format: ExportFormat, text: string | null, from_ms: number | null, until_ms: number | null, content: boolean, confirmed: boolean, }; reply: ExportedFile };
  /** A compliance report of a time, made from the record alone and checked against it. */
  MakeReport: { args: { format: ReportFormat, from_ms: number, until_ms: number, }; reply: ExportedFile };
  /** The collector on this machine that is told how questions were worked on, if any. */
  GetCollector: { args: Record<symbol, never>; reply: Collector };
  /** Names that collector, or nobody, and greets it with no spans to see whether it answers. */
  SetCollector: { args: { address: string | null, }; reply: Collector };
  /** Opens the system's dialog to keep such a file, and writes it there; the path, or none when a person cancels. Desktop only: a browser saves by itself. */
  SaveFile: { args: { file: ExportedFile, }; reply: string | null };
  /** What holds now. */
  GetPrivacy: { args: Record<symbol, never>; reply: Privacy };
  /** Chooses the mode. */
  SetMode: { args: { mode: Mode, }; reply: Privacy };
  /** Takes a person's own rules (Cedar) in place of those before. Rules with a flaw are refused, each with its line, and those before stay. */
  SetRules: { args: { text: string, }; reply: Privacy };
  /** Adds rules (Cedar) to a person's own. Rules with a flaw, or of a name that there is, are refused. */
  AddRules: { args: { text: string, }; reply: Privacy };
  /** Takes one of a person's own rules away, by its name. */
  RemoveRule: { args: { name: string, }; reply: Privacy };
  /** What other rules would have decided of the requests of the last thirty days, and of sending a sample text. Changes nothing. */
  TryRules: { args: { text: string, sample: string | null, }; reply: RuleTrial };
  /** Gives leave for what would otherwise be asked: an action, to one thing or all, in one space or all, up to a label, for some hours (at most thirty days), also while text from the web or from a tool is in play. */
  AddGrant: { args: { action: string, thing: string | null, space: number | null, label: Label, hours: number, untrusted: boolean, }; reply: Privacy };
  /** Withdraws a grant. */
  WithdrawGrant: { args: { grant: number, }; reply: Privacy };
  /** Who may be asked, and what it may cost. */
  ListProviders: { args: Record<symbol, never>; reply: Providers };
  /** Sets a provider up, or changes one. The key is kept in the system's keyring, else sealed in the vault. */
  SetProvider: { args: { provider: NewProvider, }; reply: Providers };
  /** Forgets a provider and its key. */
  RemoveProvider: { args: { provider: string, }; reply: Providers };
  /** Sends a few fixed words to a provider, to see whether it answers. Without `confirmed` it says what would be sent. */
  TestProvider: { args: { provider: string, confirmed: boolean, }; reply: ProviderTest };
  /** Sets what may be spent. */
  SetBudget: { args: { budget: Budget, }; reply: Providers };
  /** Exactly what would leave if a stronger model were asked about a turn. `text` is the text as a person edited it; `hide` names words that they want hidden besides. Sends nothing. */
  PreviewRemote: { args: { turn: number, provider: string, text: string | null, hide: Array<string>, }; reply: RemotePreview };
  /** Sends what a preview showed, `text` being what it showed; the answer arrives as events of the turn. If it does not come, the answer made here stands. */
  SendRemote: { args: { preview: number, text: string, confirmed: boolean, }; reply: Asked };
};
