//! Where a text stands.

use crate::VersionId;
use serde::{Deserialize, Serialize};

/// An exact stretch of one page's text: bytes `start..end` of [`crate::Page::text`] (UTF-8, on character boundaries).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The version that is cited.
    pub version: VersionId,
    /// Index of the page within the version, from 0.
    pub page: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// What a format calls its own places. One [`crate::Page`] stands at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Place {
    /// A printed page: number from 1, and the label printed on it where it differs.
    Page {
        /// From 1.
        number: u32,
        /// Such as `iv`.
        label: Option<String>,
    },
    /// A slide, number from 1.
    Slide {
        /// From 1.
        number: u32,
        /// The slide's own title.
        title: Option<String>,
    },
    /// A sheet of a workbook.
    Sheet {
        /// The sheet's name.
        name: String,
    },
    /// A chapter or section that has no page number.
    Section {
        /// Its heading.
        title: String,
    },
    /// A message and its headers.
    Message,
    /// The whole file, where the format has no smaller places.
    Whole,
}
