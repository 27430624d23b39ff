//! What the built page and programs name: no address of anyone, no host that gathers what people do.

use crate::source::root;
use std::path::{Path, PathBuf};

/// Addresses that stand in the built page without ever being asked: names of XML vocabularies, words of error messages.
const WORDS_ONLY: &[&str] = &["http://www.w3.org/", "https://svelte.dev/e/", "http://ipc.localhost"];

/// Hosts of those who count people.
const WATCHERS: &[&str] = &[
    "google-analytics.com",
    "googletagmanager.com",
    "app-measurement.com",
    "api.segment.io",
    "api.mixpanel.com",
    "api.amplitude.com",
    "app.posthog.com",
    "i.posthog.com",
    "ingest.sentry.io",
    "notify.bugsnag.com",
    "api.rollbar.com",
    "browser-intake-datadoghq.com",
    "api.honeycomb.io",
    "plausible.io/api",
    "matomo.cloud",
    "telemetry.tauri",
    "/api/telemetry",
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Every address in some text, cut at what cannot be part of one.
fn addresses(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for scheme in ["http://", "https://", "ws://", "wss://"] {
        for (at, _) in text.match_indices(scheme) {
            let rest = &text[at..];
            let end = rest.find(|c: char| c.is_whitespace() || "\"'`<>()\\".contains(c)).unwrap_or(rest.len());
            found.push(&rest[..end]);
        }
    }
    found
}

#[test]
fn the_built_page_names_no_address() {
    let files = files(&root().join("ui/dist"));
    assert!(!files.is_empty(), "ui/dist is not built: npm run build");
    let mut wrong = Vec::new();
    for file in files {
        let kind = file.extension().and_then(|ending| ending.to_str()).unwrap_or("");
        if !["html", "js", "css", "json", "svg"].contains(&kind) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let foreign = |address: &&str| {
            address.len() > "https://".len() && !WORDS_ONLY.iter().any(|known| address.starts_with(known))
        };
        wrong.extend(
            addresses(&text).into_iter().filter(foreign).map(|address| format!("{}: {address}", file.display())),
        );
    }
    assert!(wrong.is_empty(), "the page names addresses:\n{}", wrong.join("\n"));
}

#[test]
fn the_built_page_has_nothing_inline() {
    let page = std::fs::read_to_string(root().join("ui/dist/index.html")).expect("ui/dist is not built: npm run build");
    for script in page.split("<script").skip(1) {
        let head = script.split('>').next().unwrap_or("");
        assert!(head.contains("src="), "an inline script would not run under the page's policy: <script{head}>");
    }
    assert!(!page.contains("<style"), "inline styles do not apply under the page's policy");
    assert!(!page.contains(" style="), "style attributes do not apply under the page's policy");
}

/// A program of the house, built beside this test.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is not built: cargo test --workspace builds it", path.display());
    path
}

#[test]
fn no_program_knows_a_watcher() {
    for name in ["hearth", "hearth-desktop"] {
        let bytes = std::fs::read(program(name)).unwrap();
        for watcher in WATCHERS {
            let needle = watcher.as_bytes();
            let first = needle[0];
            let mut from = 0;
            while let Some(at) = bytes[from..].iter().position(|byte| *byte == first) {
                let start = from + at;
                assert!(!bytes[start..].starts_with(needle), "{name} knows {watcher}");
                from = start + 1;
            }
        }
    }
}
