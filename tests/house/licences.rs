//! Whose code the house carries: licences that let anyone use, change and pass it on; crates that are never used; big
//! crates that are not carried twice. The rules of cargo-deny, over what cargo knows already.

use crate::source::metadata;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Licences without conditions on the whole. MPL-2.0 asks only for changes to its own files, which we do not make.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "WTFPL",
    "Zlib",
    "blessing",
];

/// Never carried, and why.
const BANNED: &[(&str, &str)] = &[
    ("mupdf", "AGPL"),
    ("mupdf-sys", "AGPL"),
    ("epub", "GPL"),
    ("ocrs", "wants weights that are fetched"),
    ("hakoniwa", "copyleft"),
    ("birdcage", "copyleft"),
    ("native-tls", "a second TLS"),
    ("sentry", "reports home"),
    ("opentelemetry-otlp", "reports to somewhere"),
    ("tauri-plugin-shell", "the page must not start programs"),
    ("tauri-plugin-http", "the page must not reach out"),
    ("tauri-plugin-updater", "fetches past the gate"),
    ("duckdb", "costs too much to build"),
];

/// Big enough that a second version would be felt in build time and size.
const ONCE: &[&str] = &[
    "axum",
    "candle-core",
    "gtk",
    "h2",
    "hayro",
    "hyper",
    "image",
    "libsqlite3-sys",
    "openssl-sys",
    "regex-automata",
    "reqwest",
    "rusqlite",
    "rustls",
    "serde",
    "tauri",
    "tokenizers",
    "tokio",
    "webkit2gtk",
    "wry",
    "zbus",
];

fn packages() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let all = metadata()["packages"].as_array().unwrap().iter();
    all.map(|package| (package["name"].as_str().unwrap(), package["version"].as_str().unwrap(), package))
}

#[test]
fn every_licence_is_permissive() {
    let mut wrong = Vec::new();
    for (name, version, package) in packages() {
        let licence = package["license"].as_str().unwrap_or("none stated");
        if !permits(licence) {
            wrong.push(format!("{name} {version}: {licence}"));
        }
    }
    assert!(wrong.is_empty(), "not permissive: {wrong:#?}");
}

#[test]
fn banned_crates_stay_out() {
    for (name, version, _) in packages() {
        if let Some((_, why)) = BANNED.iter().find(|(banned, _)| *banned == name) {
            panic!("{name} {version} is banned: {why}");
        }
    }
}

#[test]
fn big_crates_are_carried_once() {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, version, _) in packages().filter(|(name, ..)| ONCE.contains(name)) {
        versions.entry(name).or_default().insert(version);
    }
    for (name, versions) in versions {
        assert!(versions.len() == 1, "{name} is carried more than once: {versions:?}");
    }
}

/// Whether an SPDX expression can be met by the allowed licences. `/` is an old way to write OR.
fn permits(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words: Vec<String> = Vec::new();
    for word in spaced.split_whitespace() {
        match words.last_mut() {
            Some(last) if word == "WITH" || last.ends_with(" WITH") => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    let mut words = words.into_iter().peekable();
    let met = either(&mut words);
    met && words.next().is_none()
}

type Words = std::iter::Peekable<std::vec::IntoIter<String>>;

fn either(words: &mut Words) -> bool {
    let mut met = both(words);
    while words.next_if(|word| word == "OR").is_some() {
        let other = both(words);
        met = met || other;
    }
    met
}

fn both(words: &mut Words) -> bool {
    let mut met = one(words);
    while words.next_if(|word| word == "AND").is_some() {
        let other = one(words);
        met = met && other;
    }
    met
}

fn one(words: &mut Words) -> bool {
    match words.next() {
        Some(word) if word == "(" => {
            let met = either(words);
            words.next_if(|word| word == ")").is_some() && met
        }
        Some(word) => ALLOWED.contains(&word.as_str()),
        None => false,
    }
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    for yes in [
        "MIT",
        "MIT/GPL-3.0",
        "GPL-2.0 OR MIT",
        "(MIT OR GPL-3.0) AND ISC",
        "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
    ] {
        assert!(permits(yes), "{yes}");
    }
    for no in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR ISC) AND AGPL-3.0-only",
        "GPL-2.0 WITH Classpath-exception-2.0",
        "none stated",
    ] {
        assert!(!permits(no), "{no}");
    }
}
