//! `hearth lineage`: where an answer came from, and every answer that used a document.

use crate::arguments::Lineage;
use crate::end::End;
use crate::house::House;
use crate::out::Out;
use hearth_api::{Error, GetLineage, Handler, ListUses};

/// Shows one or the other.
pub(crate) fn run(kernel: &House, what: &Lineage, out: &Out) -> Result<End, Error> {
    match (what.turn, what.document) {
        (Some(turn), _) => of_turn(kernel, turn, out),
        (None, document) => of_document(kernel, document.unwrap_or_default(), out),
    }
}

fn of_turn(kernel: &House, turn: i64, out: &Out) -> Result<End, Error> {
    let found = kernel.handle(GetLineage { turn })?;
    out.value(&found);
    out.line(&found.question);
    for one in &found.versions {
        let state = if one.current { "answers" } else { "answers no longer" };
        out.line(format!(
            "  document {} {}, version {} ({state}): passages read: {}, places cited: {}, SHA-256 {}",
            one.document, one.title, one.number, one.passages, one.cited, one.sha256
        ));
    }
    for one in &found.memories {
        let said = if one.text.is_empty() { "erased" } else { one.text.as_str() };
        out.line(format!("  memory {}: {said}", one.memory));
    }
    for tool in &found.tools {
        out.line(format!("  tool {tool}"));
    }
    for one in &found.models {
        let hash = one.sha256.as_deref().unwrap_or("unknown");
        out.line(format!("  {} by {}, asked by the recipe {}, weights {hash}", one.wrote, one.name, one.recipe));
    }
    if !found.earlier.is_empty() {
        let earlier: Vec<String> = found.earlier.iter().map(i64::to_string).collect();
        out.line(format!("  and what was said before in turns {}", earlier.join(", ")));
    }
    Ok(End::Done)
}

fn of_document(kernel: &House, document: i64, out: &Out) -> Result<End, Error> {
    let uses = kernel.handle(ListUses { document })?;
    out.value(&uses);
    for one in &uses {
        let cited = match one.cited {
            0 => "was told of it".to_owned(),
            n => format!("cites {n} places"),
        };
        let replaced = if one.replaced { ", replaced since" } else { "" };
        out.line(format!("  turn {}: {} ({cited}{replaced})", one.turn, one.question));
    }
    if uses.is_empty() {
        out.line("No answer used this document.");
        return Ok(End::Nothing);
    }
    Ok(End::Done)
}
