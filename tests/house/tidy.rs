//! Habits that can be read off the text: every file says what it is, stays short, and leaves nothing unfinished.

use crate::source::{Source, sources};

const LONGEST: usize = 600;

/// Files that may be longer, each with its reason.
const LONG: &[(&str, &str)] = &[("ui/src/core/bindings.ts", "generated")];

fn ours() -> Vec<Source> {
    sources(&[".rs", ".ts", ".svelte", ".mjs", ".py"])
}

fn check(what: &str, wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "));
}

#[test]
fn every_file_says_first_what_it_is() {
    let opens = |source: &Source| {
        let text = source.text.trim_start_matches("#!/usr/bin/env python3\n").trim_start();
        match source.name.rsplit('.').next().unwrap() {
            "rs" => text.starts_with("//! "),
            "ts" | "mjs" => text.starts_with("/**") || text.starts_with("// "),
            "svelte" => text.starts_with("<!--"),
            _ => text.starts_with("\"\"\"") || text.starts_with("# "),
        }
    };
    check(
        "these do not open by saying what they are",
        ours().iter().filter(|source| !opens(source)).map(|source| source.name.clone()).collect(),
    );
}

#[test]
fn files_stay_short() {
    let long =
        |source: &&Source| source.text.lines().count() > LONGEST && !LONG.iter().any(|(name, _)| *name == source.name);
    check(
        "these are over 600 lines and have no reason for it",
        ours().iter().filter(long).map(|source| source.name.clone()).collect(),
    );
}

#[test]
fn nothing_is_left_unfinished() {
    // Parted, so that this file does not find itself.
    let words = [
        ["dbg", "!("].concat(),
        ["todo", "!("].concat(),
        ["unimplemented", "!("].concat(),
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["console", ".log("].concat(),
        ["#[ig", "nore]"].concat(), // one that says why may stay
        [".sk", "ip("].concat(),
        [".on", "ly("].concat(),
    ];
    let mut wrong = Vec::new();
    for source in ours() {
        let printing = source.name.starts_with("scripts/") || source.name.starts_with("tests/e2e/");
        for (number, line) in source.text.lines().enumerate() {
            let hit = words.iter().find(|word| line.contains(word.as_str()));
            // In Rust `.skip(` is an iterator's; scripts print on purpose.
            let fine = |word: &str| {
                (word.contains("console") && printing) || (word.starts_with('.') && source.name.ends_with(".rs"))
            };
            if let Some(word) = hit
                && !fine(word)
            {
                wrong.push(format!("{}:{} {word}", source.name, number + 1));
            }
        }
    }
    check("unfinished, or left from trying", wrong);
}

#[test]
fn no_path_of_one_machine_and_no_registry_is_named() {
    let words = [
        ["/wo", "rk/"].concat(),
        ["/ro", "ot/"].concat(),
        ["pypi", ".org"].concat(),
        ["crates", ".io/"].concat(),
        ["registry.npm", "js"].concat(),
        ["deb.deb", "ian"].concat(),
    ];
    let mut wrong = Vec::new();
    for source in ours().into_iter().chain(sources(&[".toml", ".json", ".md", ".yml"])) {
        for (number, line) in source.text.lines().enumerate() {
            if let Some(word) = words.iter().find(|word| line.contains(word.as_str())) {
                wrong.push(format!("{}:{} {word}", source.name, number + 1));
            }
        }
    }
    check("named in the checkout", wrong);
}

#[test]
fn reasons_for_length_are_still_needed() {
    let files = ours();
    for (name, reason) in LONG {
        let file =
            files.iter().find(|source| source.name == *name).unwrap_or_else(|| panic!("{name} ({reason}) is gone"));
        assert!(file.text.lines().count() > LONGEST, "{name} is short again: take it off the list");
    }
}
