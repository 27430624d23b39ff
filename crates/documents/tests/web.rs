//! Main text of web pages: what surrounds it is left out, however little the text is and wherever it stands.

use hearth_documents::{ReadOptions, read};
use std::ops::ControlFlow;

fn text(page: &str) -> String {
    let read = read("page.html", page.as_bytes(), &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(()));
    read.unwrap().pages.iter().map(|page| page.text.as_str()).collect()
}

/// Navigation and teasers as pages have them, many times as long as the text.
fn surroundings() -> String {
    let links: String =
        (0..60).map(|n| format!("<div><a href=/{n}>Elsewhere {n} in the news today</a> 10:{n:02}</div>")).collect();
    format!("<div class=top>{links}</div>")
}

const FIRST: &str =
    "The bridge over the lower ford was closed on Monday, after two of its planks had given way under a cart.";
const SECOND: &str =
    "The council met in the evening and voted to have it repaired before the first frost, at a cost of 4,000 euros.";
const THIRD: &str =
    "Until then the ferry runs every hour from six in the morning, and bicycles are taken along without a fee.";

#[test]
fn text_in_boxes_with_breaks_is_found() {
    let page = format!("<body>{0}<div><div class=story>{FIRST}<br>{SECOND}<br>{THIRD}</div></div>{0}", surroundings());
    let text = text(&page);
    assert!(text.contains(FIRST) && text.contains(SECOND) && text.contains(THIRD), "{text}");
    assert!(!text.contains("Elsewhere"), "{text}");
}

#[test]
fn the_element_that_the_page_marks_as_its_text_is_the_text() {
    let page = format!(
        "<body>{}<div itemprop=articleBody>{FIRST} {SECOND} {THIRD}</div><div><p>Another story is told below this one, in a paragraph of its own that is longer than most.</p></div>",
        surroundings()
    );
    let text = text(&page);
    assert!(text.contains(SECOND) && !text.contains("Elsewhere") && !text.contains("Another story"), "{text}");
}

#[test]
fn what_stands_behind_a_wall_for_readers_who_pay_is_read_when_it_is_there() {
    let page = format!(
        "<body><article><p>{FIRST}</p><p>{FIRST}</p><p>{FIRST}</p><p>{FIRST}</p><div class=paywall><p>{FIRST}</p><p>{SECOND}</p><p>{THIRD}</p></div></article>"
    );
    let text = text(&page);
    assert!(text.contains(FIRST) && text.contains(SECOND) && text.contains(THIRD), "{text}");
}
