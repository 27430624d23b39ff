//! Import and ask where no route leads anywhere, with every attempt to connect counted by the system.

use crate::page::program;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The default models, fetched beforehand in the way that users fetch them.
pub(crate) fn models() -> PathBuf {
    let named = std::env::var_os("HEARTH_TEST_MODELS").map(PathBuf::from);
    named.filter(|folder| folder.is_dir()).expect("HEARTH_TEST_MODELS names no folder: run the tests by `npm test`")
}

/// Runs `hearth` in a network namespace of its own under strace; `log` takes every call that concerns sockets.
fn alone(data: &Path, log: &Path, words: &[&str]) -> Output {
    Command::new("unshare")
        .args([
            "--map-root-user",
            "--net",
            "strace",
            "--follow-forks",
            "--seccomp-bpf",
            "-qq",
            "-e",
            "trace=connect,sendto,sendmsg,bind",
            "-o",
        ])
        .arg(log)
        .arg(program("hearth"))
        .arg("--data-dir")
        .arg(data)
        .arg("--models-dir")
        .arg(models())
        .args(words)
        .env("HEARTH_PASSPHRASE", "correct horse battery staple")
        .output()
        .expect("unshare (util-linux) and strace are there")
}

/// Calls that name an internet address. Local sockets (the keyring's bus) and kernel talk are not the network.
fn outward(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).expect("strace wrote its log");
    text.lines().filter(|line| line.contains("AF_INET")).map(str::to_owned).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn import_and_ask_reach_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("lease.txt");
    std::fs::write(
        &document,
        "Lease of the mill\n\nThe yearly rent is 4,200 crowns, due on the first of March.\n\nThe tenant keeps the weir in repair.\n",
    )
    .unwrap();
    let data = folder.path().join("data");

    let log = folder.path().join("import.log");
    let done = alone(&data, &log, &["import", document.to_str().unwrap()]);
    assert!(done.status.success(), "import: {}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(outward(&log), Vec::<String>::new());

    let log = folder.path().join("ask.log");
    let done = alone(&data, &log, &["ask", "What is the yearly rent?"]);
    let said = String::from_utf8_lossy(&done.stdout);
    let code = done.status.code();
    assert!(matches!(code, Some(0 | 4)), "ask ended with {code:?}: {}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("4,200 crowns"), "the quote is missing: {said}");
    assert_eq!(outward(&log), Vec::<String>::new());
}
