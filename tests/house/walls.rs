//! What only one room may touch, read off the sources: SQL, sockets, processes, files, the environment, the clock.
//! clippy.toml bans some of it by type; this list covers the rest and does not forget a room.

use crate::source::sources;

/// A thing, the words that stand for it, and who may say them.
type Wall = (&'static str, &'static [&'static str], &'static [&'static str]);

/// Words that stand for a thing, and the rooms (or single files) whose shipped code may say them.
const WALLS: &[Wall] = &[
    (
        "SQL",
        &["rusqlite::", "\"SELECT ", "\"INSERT ", "\"UPDATE ", "\"DELETE FROM", "\"CREATE TABLE", "\"PRAGMA "],
        &["crates/store/"],
    ),
    (
        "an outbound socket",
        &["TcpStream", "UdpSocket", "UnixStream::connect", "reqwest::", "lookup_host", "ToSocketAddrs"],
        &["crates/egress/"],
    ),
    ("a listening socket", &["TcpListener", "UnixListener"], &["crates/server/src/serve.rs"]),
    // The sandbox itself says `std::process::Command`; an exit code is no process.
    ("a process", &["process::Command", "Command::new("], &["crates/sandbox/"]),
    (
        "files",
        &["std::fs::", "fs::read", "fs::write", "File::open", "OpenOptions"],
        &[
            "crates/kernel/",
            "crates/sandbox/",
            // its download folder
            "crates/egress/",
            // weights and tokenizers of the model it was given
            "crates/inference/",
            // the vault's own file and its description
            "crates/store/",
            // the throwaway folder, removed afterwards
            "crates/cli/src/extract.rs",
            "crates/cli/src/bench.rs",
            "crates/cli/src/eval.rs",
            // the signed report, where a person wants it
            "crates/cli/src/proof.rs",
            // rules that a person wrote
            "crates/cli/src/policy.rs",
            // questions that a person wrote
            "crates/cli/src/compare.rs",
            // anchors, exports and the report, where a person wants them
            "crates/cli/src/record.rs",
            // the results, where a person wants them
            "crates/cli/src/out.rs",
        ],
    ),
    (
        "the environment",
        &["env::var", "env::args", "env::current_dir", "env::temp_dir", "env::home_dir", "dirs::"],
        &["crates/kernel/", "crates/sandbox/", "crates/cli/", "src-tauri/"],
    ),
    ("the time of day", &["SystemTime::now", "Local::now", "Utc::now"], &["crates/kernel/src/clock.rs"]),
    // A thread has a name and an intent: std::thread::Builder.
    ("a nameless thread", &["thread::spawn("], &[]),
];

/// Rooms that are pure: no time at all, not even a stopwatch, and nothing asynchronous.
const PURE: [&str; 4] = ["crates/domain/", "crates/documents/", "crates/policy/", "crates/retrieval/"];

#[test]
fn each_thing_stays_in_its_room() {
    let mut wrong = Vec::new();
    for source in sources(&[".rs"]).iter().filter(|source| !source.is_test()) {
        for (thing, words, rooms) in WALLS {
            if rooms.iter().any(|room| source.name.starts_with(room)) {
                continue;
            }
            for (number, line) in source.shipped().lines().enumerate() {
                let code = line.split("//").next().unwrap_or("");
                if let Some(word) = words.iter().find(|word| code.contains(**word)) {
                    wrong.push(format!("{}:{} touches {thing} ({word}); only {rooms:?} may", source.name, number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_read_no_clock_and_wait_for_nothing() {
    let mut wrong = Vec::new();
    for source in sources(&[".rs"])
        .iter()
        .filter(|source| !source.is_test() && PURE.iter().any(|room| source.name.starts_with(room)))
    {
        for (number, line) in source.shipped().lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            for word in
                ["Instant::now", "SystemTime", "async fn", ".await", "thread::", "std::net", "std::process", "rand::"]
            {
                if code.contains(word) {
                    wrong.push(format!("{}:{} {word}", source.name, number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_wall_guards_a_room_that_is_there() {
    let sources = sources(&[".rs"]);
    for (thing, words, rooms) in WALLS {
        let used = |room: &&&str| {
            let mut inside = sources.iter().filter(|source| source.name.starts_with(**room) && !source.is_test());
            inside.any(|source| words.iter().any(|word| source.shipped().contains(word)))
        };
        let idle: Vec<_> = rooms.iter().filter(|room| !used(room)).collect();
        assert!(
            rooms.is_empty() || idle.len() < rooms.len(),
            "no room touches {thing}: the words of this wall find nothing"
        );
    }
}
