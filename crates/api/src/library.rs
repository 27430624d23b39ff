//! Words about documents: offers, jobs, the table, the inspector, the viewer.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The family of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Kind {
    Pdf,
    Docx,
    Pptx,
    Xlsx,
    Odt,
    Odp,
    Ods,
    Rtf,
    Csv,
    Html,
    Markdown,
    Text,
    Email,
    Epub,
    Code,
    Mailbox,
    Archive,
    Notebook,
    Json,
    Xml,
    Picture,
}

/// How guarded a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Label {
    Public,
    Internal,
    Confidential,
    Restricted,
}

/// Files that a person handed over (by drop, dialog, paste or command line), granted once, not yet read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Offer {
    /// Names the grant; good for one import, until the window closes.
    pub id: i64,
    /// Files in it, folders opened, at most 20 named.
    pub names: Vec<String>,
    /// How many files.
    pub files: u32,
    /// Their sizes together.
    pub size_bytes: u64,
    /// How many of them Hearth can read.
    pub readable: u32,
    /// The folder, where one folder was handed over.
    pub folder: Option<String>,
}

/// Bytes handed over by the page itself (paste, or a browser's drop).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct OfferedFile {
    /// Its name, never a path.
    pub name: String,
    /// Its bytes.
    pub base64: String,
}

/// Where imported documents go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Destination {
    /// Keep in the space.
    Keep,
    /// Only for the next question of this conversation (or of a new one).
    Question {
        /// The conversation, if there is one yet.
        conversation: Option<i64>,
    },
}

/// The three steps of a file, as the ingest screen shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ImportStep {
    /// Bytes to pages.
    Read,
    /// Passages to vectors.
    Embed,
    /// Into the index.
    Index,
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// In line.
    Waiting,
    /// Under way.
    Running,
    /// Finished.
    Done,
    /// Needs a person: see `failure`.
    Failed,
    /// A person cancelled it.
    Cancelled,
}

/// One file on its way into the library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Job {
    /// Its id.
    pub id: i64,
    /// The space it goes to.
    pub space: i64,
    /// The file's name.
    pub name: String,
    /// Its kind, once known.
    pub kind: Option<Kind>,
    /// Its size.
    pub size_bytes: u64,
    /// How it stands.
    pub state: JobState,
    /// The step it is at.
    pub step: ImportStep,
    /// Pages or passages done in this step.
    pub done: u32,
    /// Of how many; 0 while unknown.
    pub total: u32,
    /// One line of where it is: "Reading page 61 of 148".
    pub note: String,
    /// Why it failed.
    pub failure: Option<JobFailure>,
    /// The document it became, once read.
    pub document: Option<i64>,
    /// Pages, once read.
    pub pages: Option<u32>,
    /// Passages, once cut.
    pub passages: Option<u32>,
    /// The label it was given.
    pub label: Label,
    /// "Replaces version 2", "Same as …, not read again", where so.
    pub remark: Option<String>,
    /// When it was handed over.
    pub created_ms: i64,
    /// When it ended.
    pub finished_ms: Option<i64>,
}

/// Why a file needs a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct JobFailure {
    /// For programs: `empty`, `unsupported`, `encrypted`, `wrong_password`, `damaged`, `too_large`, `bomb`, `no_text`,
    /// `unreadable`, `changed`, `missing`, `timeout`, `memory`, `no_embedder`, `disk_full`, `internal`.
    pub code: String,
    /// The lead word or two: "Locked", "Scanned".
    pub title: String,
    /// One plain sentence.
    pub message: String,
    /// What can be done.
    pub actions: Vec<JobAction>,
}

/// What can be done about a failed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum JobAction {
    /// Try again.
    Retry,
    /// Try again with a password.
    EnterPassword,
    /// Take it off the list.
    Remove,
}

/// How a document stands in the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DocumentStatus {
    /// It can be asked.
    Indexed,
    /// A (new) version is on its way.
    Working {
        /// The step.
        step: ImportStep,
        /// 0 to 1.
        share: f32,
    },
    /// In line.
    Waiting,
    /// The newest file could not be read.
    Failed {
        /// "Locked", "Scanned, no text".
        title: String,
    },
    /// Removed; can be put back for a while.
    Removed,
}

/// One row of the library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DocumentRow {
    /// The document; absent for a file that has not become one (failed or waiting).
    pub id: Option<i64>,
    /// Its job, while one is under way or failed.
    pub job: Option<i64>,
    /// Its title.
    pub title: String,
    /// The file's name.
    pub name: String,
    /// Its kind.
    pub kind: Option<Kind>,
    /// "version 2"; empty for the only one.
    pub version_name: String,
    /// Its label.
    pub label: Label,
    /// How it stands.
    pub status: DocumentStatus,
    /// When it was indexed.
    pub indexed_ms: Option<i64>,
    /// Size of the current version.
    pub size_bytes: u64,
    /// Pages of the current version.
    pub pages: u32,
    /// Passages of the current version.
    pub passages: u32,
    /// The watched folder that it stands in.
    pub watched: Option<i64>,
    /// Its later revision, where another document is one.
    pub later: Option<LaterRevision>,
    /// Whether it is nearly the same as another document, and neither is the later.
    pub near: bool,
}

/// A document that replaces an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LaterRevision {
    /// The document.
    pub document: i64,
    /// What it is called.
    pub title: String,
}

/// A document that is nearly the same as the one shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Alike {
    /// The other document.
    pub document: i64,
    /// The version of it that answers.
    pub version: i64,
    /// What it is called.
    pub title: String,
    /// How much of their text they share, estimated, in hundredths.
    pub percent: u32,
    /// What it is to the one shown.
    pub relation: Relation,
    /// Whether a person said so.
    pub chosen: bool,
}

/// What another document is to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Nearly the same, and neither is the later.
    Same,
    /// An earlier revision.
    Earlier,
    /// A later revision: it comes first in answers.
    Later,
    /// Another document altogether.
    Different,
}

/// The library of a space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Library {
    /// Its rows.
    pub rows: Vec<DocumentRow>,
    /// Rows in all (rows may be cut at the limit).
    pub total: u32,
}

/// What the inspector shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DocumentDetail {
    /// The row.
    pub row: DocumentRow,
    /// Author, where the file says.
    pub author: Option<String>,
    /// Date, where the file says.
    pub created: Option<String>,
    /// Where it came from: a path, or "pasted".
    pub origin: Option<String>,
    /// The name of the watched folder that it is kept in step with.
    pub watched: Option<String>,
    /// Why it has its label.
    pub label_reason: String,
    /// Answers that cite it.
    pub cited_in: u32,
    /// What could not be read in it.
    pub warnings: Vec<String>,
    /// All versions, newest first.
    pub versions: Vec<VersionRow>,
    /// What is nearly the same, most alike first.
    pub alike: Vec<Alike>,
    /// What it came in: letters that it was attached to, archives that it lay in.
    pub holders: Vec<Within>,
    /// Files that came in inside it.
    pub holds: Vec<Within>,
}

/// A document that holds another, or that lies in one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Within {
    /// The document.
    pub document: i64,
    /// Its title.
    pub title: String,
    /// The name of the inner one, with its path in the outer.
    pub name: String,
}

/// One version of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct VersionRow {
    /// Its id.
    pub id: i64,
    /// From 1.
    pub number: u32,
    /// SHA-256 of its bytes.
    pub hash: String,
    /// When it came in.
    pub imported_ms: i64,
    /// Its size.
    pub size_bytes: u64,
    /// Its pages.
    pub pages: u32,
    /// Whether it is the one that answers.
    pub current: bool,
}

/// A version opened in the viewer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct OpenedVersion {
    /// The version.
    pub version: i64,
    /// Its document.
    pub document: i64,
    /// Its title.
    pub title: String,
    /// Its kind.
    pub kind: Kind,
    /// Its label.
    pub label: Label,
    /// "version 2, current".
    pub version_name: String,
    /// The current version, where this is not it.
    pub newer: Option<i64>,
    /// The version before this one, where it is kept.
    pub older: Option<i64>,
    /// Whether the document was removed: no answer reads it any more.
    pub removed: bool,
    /// The places of its pages, for people, in order.
    pub places: Vec<String>,
    /// Its table of contents.
    pub outline: Vec<OutlineRow>,
}

/// What changed from one version to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Comparison {
    /// The one before.
    pub from: OpenedVersion,
    /// The one after.
    pub to: OpenedVersion,
    /// What differs, in the order of the later one; at most 500.
    pub changes: Vec<Difference>,
    /// How many there are in all.
    pub changes_total: u32,
    /// Paragraphs, rows and headings that are the same in both.
    pub unchanged: u32,
}

/// A piece that differs: added where it has no `before`, removed where it has no `after`, else changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Difference {
    /// As it was.
    pub before: Option<DifferentText>,
    /// As it is.
    pub after: Option<DifferentText>,
}

/// One side of a difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DifferentText {
    /// The words.
    pub text: String,
    /// Stretches of `text` that the other side does not have, as pairs of UTF-16 offsets.
    pub marks: Vec<(u32, u32)>,
    /// Where it stands.
    pub at: super::Span,
    /// The place for people.
    pub place: String,
}

/// A line of a document's own table of contents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct OutlineRow {
    /// From 1.
    pub level: u8,
    /// Its words.
    pub title: String,
    /// Index of the page.
    pub page: u32,
}

/// A page as the viewer shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PageView {
    /// Index of the page.
    pub page: u32,
    /// The place for people.
    pub place: String,
    /// Its whole text.
    pub text: String,
    /// Its structure over `text`, in order.
    pub blocks: Vec<BlockView>,
    /// Its picture, for paged formats.
    pub picture: Option<Picture>,
    /// Boxes of the spans asked for, in fractions (0 to 1) of the picture, one list per span.
    pub highlights: Vec<Vec<BoxView>>,
    /// Where the words were recognized in the picture: how sure of them, percent.
    pub recognized: Option<u8>,
}

/// A rendered page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Picture {
    /// PNG bytes.
    pub base64: String,
    /// In pixels.
    pub width_px: u32,
    /// In pixels.
    pub height_px: u32,
}

/// A rectangle on a picture, in fractions of its width and height.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[allow(missing_docs)]
pub struct BoxView {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

/// A stretch of structure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct BlockView {
    /// What it is.
    pub kind: BlockKind,
    /// First UTF-16 unit of the page's text.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// Heading level from 1; 0 otherwise.
    pub level: u8,
    /// The format's name of a row, such as `A12`.
    pub cell: Option<String>,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum BlockKind {
    Heading,
    Paragraph,
    Item,
    HeaderRow,
    Row,
    Code,
    Furniture,
    Note,
}
