//! What a text holds that concerns a person or opens a door: spans of personal data and of secrets, found by patterns,
//! checksums and lists. Pure, without a model: what it finds can be explained and repeated. It does not decide; rules may
//! name what it finds, and what leaves is redacted by it.

mod address;
mod digits;
mod harm;
mod identity;
mod name;
mod orders;
mod secret;
mod web;

pub use harm::asks_for_harm;
pub use orders::orders;

use serde::{Deserialize, Serialize};

/// What was found. In order of precedence: where two overlap, the earlier stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What opens something: a key, a token, a password.
    Secret,
    /// An address for mail.
    Email,
    /// A web address.
    Link,
    /// A bank account (IBAN, by its checksum).
    Account,
    /// A payment card (by its checksum).
    Card,
    /// A number that a state gave to a person, or of a passport or licence.
    Identity,
    /// An address of the network.
    Network,
    /// Where somebody lives or works.
    Address,
    /// A number to call.
    Phone,
    /// The day somebody was born.
    Birth,
    /// Somebody's name.
    Person,
    /// The text as a whole asks for what does harm. No span is of this kind.
    Harm,
}

impl Kind {
    /// All kinds, in order of precedence.
    pub const ALL: [Kind; 12] = [
        Kind::Secret,
        Kind::Email,
        Kind::Link,
        Kind::Account,
        Kind::Card,
        Kind::Identity,
        Kind::Network,
        Kind::Address,
        Kind::Phone,
        Kind::Birth,
        Kind::Person,
        Kind::Harm,
    ];

    /// What people call it, as in the placeholder "[Email 1]".
    pub fn name(self) -> &'static str {
        match self {
            Kind::Secret => "Secret",
            Kind::Email => "Email",
            Kind::Link => "Link",
            Kind::Account => "Account",
            Kind::Card => "Card",
            Kind::Identity => "ID number",
            Kind::Network => "Network address",
            Kind::Address => "Address",
            Kind::Phone => "Phone",
            Kind::Birth => "Date of birth",
            Kind::Person => "Person",
            Kind::Harm => "Harm",
        }
    }

    /// The word that rules and the record use.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Secret => "secret",
            Kind::Email => "email",
            Kind::Link => "link",
            Kind::Account => "account",
            Kind::Card => "card",
            Kind::Identity => "identity",
            Kind::Network => "network",
            Kind::Address => "address",
            Kind::Phone => "phone",
            Kind::Birth => "birth",
            Kind::Person => "person",
            Kind::Harm => "harm",
        }
    }
}

/// A span of a text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Found {
    /// What stands there.
    pub kind: Kind,
    /// Its first byte.
    pub start: usize,
    /// The byte behind its last.
    pub end: usize,
}

/// Everything that a text holds of these kinds, in order, without overlaps. Takes time in proportion to the text.
pub fn find(text: &str) -> Vec<Found> {
    let mut all = Vec::new();
    secret::find(text, &mut all);
    web::find(text, &mut all);
    digits::find(text, &mut all);
    identity::find(text, &mut all);
    address::find(text, &mut all);
    name::find(text, &mut all);
    // The earlier kind stands; of one kind the longer, then the first.
    all.sort_by_key(|found| (found.kind, std::cmp::Reverse(found.end - found.start), found.start));
    let mut kept = std::collections::BTreeMap::<usize, Found>::new();
    for found in all {
        let before = kept.range(..found.end).next_back();
        if found.start < found.end && before.is_none_or(|(_, before)| before.end <= found.start) {
            kept.insert(found.start, found);
        }
    }
    kept.into_values().collect()
}

/// A pattern of the house. Every one is compiled by the tests.
fn pattern(text: &str) -> regex::Regex {
    regex::Regex::new(text).unwrap_or_else(|error| panic!("a pattern of the house is wrong: {error}"))
}

/// Adds every match of a pattern's group (0: the whole) as one kind.
fn add_matches(text: &str, pattern: &regex::Regex, group: usize, kind: Kind, into: &mut Vec<Found>) {
    for found in pattern.captures_iter(text).filter_map(|captures| captures.get(group)) {
        into.push(Found { kind, start: found.start(), end: found.end() });
    }
}

/// The end of what stands before a place: at most `bytes` of it, cut at a letter's edge.
fn before(text: &str, at: usize, bytes: usize) -> &str {
    let mut start = at.saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..at).unwrap_or_default()
}

/// Whether a match ends where a number or word ends, on both sides.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let joined = |c: char| c.is_alphanumeric() || c == '_';
    let (left, right) = (text.get(..start).unwrap_or_default(), text.get(end..).unwrap_or_default());
    let decimal = |rest: &str| {
        let mut chars = rest.chars();
        chars.next().is_some_and(|c| c == '.' || c == ',') && chars.next().is_some_and(|c| c.is_ascii_digit())
    };
    !left.chars().next_back().is_some_and(joined) && !right.chars().next().is_some_and(joined) && !decimal(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kinds and words that are found.
    fn check(text: &str, expect: &[(Kind, &str)]) {
        let found: Vec<(Kind, &str)> =
            find(text).into_iter().map(|found| (found.kind, &text[found.start..found.end])).collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn what_concerns_a_person_is_found() {
        use Kind::*;
        check(
            "Dear Mr. Leiva, write to ana.lopez@example.org or call +41 44 668 18 00.",
            &[(Person, "Leiva"), (Email, "ana.lopez@example.org"), (Phone, "+41 44 668 18 00")],
        );
        check("Card 4111 1111 1111 1111, valid.", &[(Card, "4111 1111 1111 1111")]);
        check("Card 4111 1111 1111 1112, a slip.", &[]);
        check("Pay to DE89 3704 0044 0532 0130 00 today.", &[(Account, "DE89 3704 0044 0532 0130 00")]);
        check("Pay to DE89 3704 0044 0532 0130 01 today.", &[]);
        check("SSN 536-90-4399", &[(Identity, "536-90-4399")]);
        check(
            "From 10.1.2.30 to 2001:db8::ff00:42:8329",
            &[(Network, "10.1.2.30"), (Network, "2001:db8::ff00:42:8329")],
        );
        check("Hannah Maria Kreutzmann signed it.", &[(Person, "Hannah Maria Kreutzmann")]);
        check("She lives at 221B Baker Street, London NW1 6XE.", &[(Address, "221B Baker Street, London NW1 6XE")]);
        check("Sie wohnt in der Villacher Straße 89, 8010 Graz.", &[(Address, "Villacher Straße 89, 8010 Graz")]);
        check("12 rue de la Paix, 75002 Paris", &[(Address, "12 rue de la Paix, 75002 Paris")]);
        check("born on 14 March 1879", &[(Birth, "14 March 1879")]);
    }

    #[test]
    fn what_opens_a_door_is_found() {
        for secret in [
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        ] {
            check(&format!("use {secret} here"), &[(Kind::Secret, secret)]);
        }
        check("password: hunter2-blue", &[(Kind::Secret, "hunter2-blue")]);
        check("postgres://app:s3cr3t@db/main", &[(Kind::Secret, "s3cr3t")]);
    }

    #[test]
    fn what_is_neither_stays() {
        for text in [
            "Revenue was 1 250 000 in 2024 and 1,310,442.50 in 2025.",
            "Section 12.3.4 of the Act of 14 March 1994 applies.",
            "The order 20240115-001 ships on 2024-01-15 at 10:30.",
            "May we mark the grace period? Will you bill them on Monday?",
            "Paris and London are larger than Bern.",
            "Version 10.15.7 of the program reads 3.14159265.",
            "The password is kept in the keyring.",
        ] {
            check(text, &[]);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken(text in "\\PC{0,80}") {
            let mut end = 0;
            for found in find(&text) {
                proptest::prop_assert!(found.start >= end && found.end > found.start);
                proptest::prop_assert!(text.get(found.start..found.end).is_some());
                end = found.end;
            }
        }
    }
}
