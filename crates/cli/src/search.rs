//! `hearth search`: passages, best first.

use crate::arguments;
use crate::end::End;
use crate::house::{self, House};
use crate::out::Out;
use hearth_api::{Error, Handler, Search};

/// Searches one space.
pub(crate) fn run(kernel: &House, what: arguments::Search, out: &Out) -> Result<End, Error> {
    let space = house::space(kernel, what.space.as_deref())?;
    let hits = kernel.handle(Search { space: space.id, text: what.text.join(" "), limit: what.limit })?;
    for hit in &hits.passages {
        let words = hit.text.split_whitespace().collect::<Vec<_>>().join(" ");
        out.line(format!("{:.2}  {}, {}\n      {words}", hit.score, hit.title, hit.place));
    }
    for document in &hits.documents {
        out.line(format!("document  {}", document.title));
    }
    for conversation in &hits.conversations {
        out.line(format!("conversation {}  {}", conversation.id, conversation.title));
    }
    out.value(&hits);
    out.note(&format!("{} passages in {} ms", hits.passages.len(), hits.took_ms));
    let nothing = hits.passages.is_empty() && hits.documents.is_empty() && hits.conversations.is_empty();
    Ok(if nothing { End::Nothing } else { End::Done })
}
