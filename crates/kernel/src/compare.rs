//! Two versions side by side: which paragraphs, rows and lines changed, with the places to open. Running headers do not
//! count.

use crate::error;
use crate::kernel::Open;
use crate::{pages, view};
use hearth_api::{Comparison, Difference, DifferentText, Error};
use hearth_domain::{BlockKind, Page, VersionId};
use hearth_retrieval::{Revision, revise};
use std::ops::Range;

/// Differences shown, at most.
const MOST: usize = 500;

/// A unit of a version: a page and bytes of its text.
pub(crate) struct Unit {
    pub(crate) page: usize,
    pub(crate) range: Range<usize>,
}

/// What changed from one version to another.
pub(crate) fn versions(open: &Open, from: VersionId, to: VersionId) -> Result<Comparison, Error> {
    let load = |version: VersionId| {
        let found = open
            .store
            .read(|reader| Ok(reader.version(version)?.map(|row| row.document).zip(Some(reader.pages(version)?))));
        found.map_err(error::store)?.ok_or_else(|| error::missing("version"))
    };
    let ((from_document, before), (to_document, after)) = (load(from)?, load(to)?);
    let (units_before, units_after) = (units(&before), units(&after));
    let (texts_before, texts_after) = (texts(&before, &units_before), texts(&after, &units_after));
    let revisions = revise(&texts_before, &texts_after);
    let side = |version: VersionId, pages: &[Page], units: &[Unit], at: usize, marks: &[Range<usize>]| {
        units.get(at).and_then(|unit| shown(version, pages, unit, marks))
    };
    let changed = revisions.iter().filter(|revision| !matches!(revision, Revision::Removed { .. })).count();
    let changes = revisions.iter().take(MOST).map(|revision| match revision {
        Revision::Added { after: at } => Difference { before: None, after: side(to, &after, &units_after, *at, &[]) },
        Revision::Removed { before: at } => {
            Difference { before: side(from, &before, &units_before, *at, &[]), after: None }
        }
        Revision::Changed { before: x, after: y, gone, new } => Difference {
            before: side(from, &before, &units_before, *x, gone),
            after: side(to, &after, &units_after, *y, new),
        },
    });
    Ok(Comparison {
        from: pages::open_version(open, from_document, Some(from))?,
        to: pages::open_version(open, to_document, Some(to))?,
        changes: changes.collect(),
        changes_total: revisions.len() as u32,
        unchanged: (units_after.len() - changed.min(units_after.len())) as u32,
    })
}

/// Blocks of all pages; preformatted text line by line.
pub(crate) fn units(pages: &[Page]) -> Vec<Unit> {
    let mut found = Vec::new();
    for (page, read) in pages.iter().enumerate() {
        for block in read.blocks.iter().filter(|block| !matches!(block.kind, BlockKind::Furniture)) {
            let range = block.range.start as usize..block.range.end as usize;
            let Some(text) = read.text.get(range.clone()) else { continue };
            if matches!(block.kind, BlockKind::Code) {
                let mut start = range.start;
                for line in text.split_inclusive('\n') {
                    if !line.trim().is_empty() {
                        found.push(Unit { page, range: start..start + line.trim_end().len() });
                    }
                    start += line.len();
                }
            } else if !text.trim().is_empty() {
                found.push(Unit { page, range });
            }
        }
    }
    found
}

/// Their texts.
pub(crate) fn texts<'a>(pages: &'a [Page], units: &[Unit]) -> Vec<&'a str> {
    let text = |unit: &Unit| pages.get(unit.page).and_then(|page| page.text.get(unit.range.clone()));
    units.iter().map(|unit| text(unit).unwrap_or_default()).collect()
}

fn shown(version: VersionId, pages: &[Page], unit: &Unit, marks: &[Range<usize>]) -> Option<DifferentText> {
    let page = pages.get(unit.page)?;
    let text = page.text.get(unit.range.clone())?;
    let span = hearth_domain::Span {
        version,
        page: unit.page as u32,
        start: unit.range.start as u32,
        end: unit.range.end as u32,
    };
    let cell = page.blocks.iter().find(|block| block.range.start == span.start).and_then(|block| match &block.kind {
        BlockKind::Row { cell, .. } => cell.clone(),
        _ => None,
    });
    let units = |at: usize| view::utf16(text, at as u32);
    Some(DifferentText {
        text: text.to_owned(),
        marks: marks.iter().map(|range| (units(range.start), units(range.end))).collect(),
        at: view::span(span, &page.text),
        place: view::place(&page.place, cell.as_deref()),
    })
}
