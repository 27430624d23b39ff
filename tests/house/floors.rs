//! Arrows point down: shells know the kernel, the kernel knows the organs, organs know the ground, no organ another.

use crate::source::rooms;

/// Each room with the rooms of ours that it may know. A new room wants a line here, and a reason.
const FLOORS: &[(&str, &[&str])] = &[
    // ground
    ("hearth-domain", &[]),
    ("hearth-sandbox", &[]),
    ("hearth-api", &["hearth-domain"]),
    // organs
    ("hearth-policy", &["hearth-domain"]),
    ("hearth-documents", &["hearth-domain"]),
    ("hearth-retrieval", &["hearth-domain"]),
    ("hearth-inference", &["hearth-domain"]),
    ("hearth-store", &["hearth-domain"]),
    ("hearth-egress", &["hearth-domain", "hearth-sandbox"]),
    ("hearth-tools", &["hearth-domain", "hearth-sandbox"]),
    // kernel
    (
        "hearth-kernel",
        &[
            "hearth-api",
            "hearth-domain",
            "hearth-sandbox",
            "hearth-policy",
            "hearth-documents",
            "hearth-retrieval",
            "hearth-inference",
            "hearth-store",
            "hearth-egress",
            "hearth-tools",
        ],
    ),
    // shells
    ("hearth-server", &["hearth-api", "hearth-kernel"]),
    ("hearth-cli", &["hearth-api", "hearth-kernel", "hearth-server"]),
    ("hearth-desktop", &["hearth-api", "hearth-kernel", "hearth-server"]),
];

/// What only some rooms may be built with: each wall keeps one kind of thing on one side.
const KEPT: &[(&str, &[&str])] = &[
    ("rusqlite", &["hearth-store"]),
    ("sqlite-vec", &["hearth-store"]),
    ("keyring", &["hearth-store"]),
    ("reqwest", &["hearth-egress"]),
    ("hf-hub", &["hearth-egress"]),
    ("axum", &["hearth-server"]),
    ("tauri", &["hearth-desktop"]),
    ("tauri-plugin-dialog", &["hearth-desktop"]),
    ("candle-core", &["hearth-inference"]),
    ("tokenizers", &["hearth-inference"]),
    ("landlock", &["hearth-sandbox"]),
    ("seccompiler", &["hearth-sandbox"]),
    ("clap", &["hearth-cli"]),
    // Organs own no threads and never wait: what is asynchronous belongs to egress, the kernel and the shells.
    ("tokio", &["hearth-egress", "hearth-kernel", "hearth-server", "hearth-cli", "hearth-desktop"]),
];

#[test]
fn arrows_point_down() {
    let rooms = rooms();
    for (room, knows) in &rooms {
        if room == "hearth-tests" {
            continue;
        }
        let floor = FLOORS.iter().find(|(name, _)| name == room);
        let (_, may) = floor.unwrap_or_else(|| panic!("{room} stands on no floor: give it a line in FLOORS"));
        for known in knows.iter().filter(|name| name.starts_with("hearth-")) {
            assert!(may.contains(&known.as_str()), "{room} may not know {known}");
        }
    }
    for (name, _) in FLOORS {
        assert!(rooms.iter().any(|(room, _)| room == name), "{name} has a floor but is no room of the house");
    }
}

#[test]
fn walls_keep_what_they_are_for() {
    for (room, knows) in rooms() {
        for (kept, by) in KEPT {
            let allowed = by.contains(&room.as_str()) || room == "hearth-tests";
            assert!(
                allowed || !knows.iter().any(|name| name == kept),
                "{room} may not be built with {kept}: only {by:?} may"
            );
        }
    }
}
