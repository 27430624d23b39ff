//! What a reader makes of bytes, and what is cut from it.

use crate::Place;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The family of a file, decided by its bytes first and its name second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// Many letters in one file.
    Mailbox,
    /// A file of files.
    Archive,
    Notebook,
    Json,
    Xml,
    Picture,
}

/// A document as read: pages of text with their structure. Everything a person can be shown or quoted stands in some page's `text`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// The family of the file.
    pub kind: Kind,
    /// The title it gives itself.
    pub title: Option<String>,
    /// Who it says wrote it.
    pub author: Option<String>,
    /// When it says it was made, as written in the file.
    pub created: Option<String>,
    /// BCP 47 tag where the file names its language.
    pub language: Option<String>,
    /// Its pages, in reading order.
    pub pages: Vec<Page>,
    /// Its own table of contents.
    pub outline: Vec<OutlineItem>,
    /// What could not be read, or only partly.
    pub warnings: Vec<Warning>,
    /// Files that travel inside (attached to letters, members of archives), not yet read.
    pub attachments: Vec<Attachment>,
}

/// One page, slide, sheet, section or message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// What the format calls this place.
    pub place: Place,
    /// Its text, UTF-8; blocks are separated by newlines, table cells by tabs.
    pub text: String,
    /// Its structure, in order, not overlapping.
    pub blocks: Vec<Block>,
    /// Where words stand on the rendered page (PDF and pictures), in text order.
    pub boxes: Vec<TextBox>,
    /// Width and height in points, where pages have a size.
    pub size_pt: Option<(f32, f32)>,
    /// How its words came to be.
    #[serde(default)]
    pub words: Words,
}

/// How the words of a page came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Words {
    /// They stand in the file as text.
    #[default]
    Written,
    /// The page is a picture whose words were not read.
    Unread,
    /// They were recognized in the page's picture.
    Recognized {
        /// How sure the recognition is of its letters, in percent.
        confidence: u8,
    },
}

/// One stretch of structure: bytes `range` of the page's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Bytes of the page's text.
    pub range: Range<u32>,
}

/// What a block is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum BlockKind {
    /// A heading, level from 1.
    Heading {
        /// From 1 (largest) to 6.
        level: u8,
    },
    /// A paragraph.
    Paragraph,
    /// One item of a list.
    Item,
    /// One table row; cells are separated by tabs. `header` marks the row that names the columns.
    Row {
        /// Whether this row names the columns.
        header: bool,
        /// The format's own name of the row's first cell, such as `A12`, where it has one.
        cell: Option<String>,
    },
    /// Source code or preformatted text.
    Code,
    /// A running header or footer.
    Furniture,
    /// Speaker notes, comments, footnotes.
    Note,
}

/// A word or run of words on a rendered page. Points, origin at the top left, y downwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextBox {
    /// Bytes of the page's text.
    pub range: Range<u32>,
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

/// One line of a table of contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutlineItem {
    /// Nesting, from 1.
    pub level: u8,
    /// Its words.
    pub title: String,
    /// Index of the page it leads to.
    pub page: u32,
}

/// What a reader could not do, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Index of the page concerned.
    pub page: Option<u32>,
    /// One plain sentence.
    pub message: String,
}

/// A file inside a file: attached to a letter, or a member of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name as given. Where it stands in a folder of an archive or below a letter of a mailbox, the names of these come
    /// first, parted by `/`; no part climbs or begins at a root.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A passage: what is embedded, found and given to a model. Bytes `range` of page `page`, cut along structure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Index of the page.
    pub page: u32,
    /// Bytes of that page's text.
    pub range: Range<u32>,
    /// Exactly that text.
    pub text: String,
    /// The headings above it, outermost first; for a table passage also the row that names its columns.
    pub context: Vec<String>,
}
