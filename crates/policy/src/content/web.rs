//! Addresses of mail, of the web and of the network.

use super::{Found, Kind, add_matches, pattern, stands_alone};
use core::net::Ipv6Addr;
use std::sync::LazyLock;

static EMAIL: LazyLock<regex::Regex> =
    LazyLock::new(|| pattern(r"[\p{L}\p{N}][\p{L}\p{N}._%+\-]*@(?:[\p{L}\p{N}\-]+\.)+\p{L}\p{L}+"));
static LINK: LazyLock<regex::Regex> = LazyLock::new(|| {
    pattern(r#"(?i)\b(?:(?:https?|ftp)://[^\s<>"'()\[\]{}]+|www\.[\p{L}\p{N}\-]+\.[^\s<>"'()\[\]{}]+)"#)
});
static V4: LazyLock<regex::Regex> = LazyLock::new(|| {
    let part = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)";
    pattern(&format!(r"{part}(?:\.{part}){{3}}"))
});
static V6: LazyLock<regex::Regex> = LazyLock::new(|| pattern(r"(?i)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}"));

pub(super) fn find(text: &str, into: &mut Vec<Found>) {
    add_matches(text, &EMAIL, 0, Kind::Email, into);
    for found in LINK.find_iter(text) {
        let end = found.start() + found.as_str().trim_end_matches(['.', ',', ';', ':', '!', '?']).len();
        into.push(Found { kind: Kind::Link, start: found.start(), end });
    }
    for found in V4.find_iter(text).filter(|found| alone(text, found.start(), found.end())) {
        into.push(Found { kind: Kind::Network, start: found.start(), end: found.end() });
    }
    for found in V6.find_iter(text).filter(|found| stands_alone(text, found.start(), found.end())) {
        let parts = found.as_str().split(':').filter(|part| !part.is_empty()).count();
        if parts >= 3 && found.as_str().parse::<Ipv6Addr>().is_ok() {
            into.push(Found { kind: Kind::Network, start: found.start(), end: found.end() });
        }
    }
}

/// Four numbers that are no part of a longer row of numbers, such as that of a section.
fn alone(text: &str, start: usize, end: usize) -> bool {
    let dotted = text.get(..start).is_some_and(|left| left.ends_with('.') && left.len() > 1 && digit_before(left));
    stands_alone(text, start, end) && !dotted
}

fn digit_before(left: &str) -> bool {
    left.chars().rev().nth(1).is_some_and(|c| c.is_ascii_digit())
}
