//! What machines do to programs: a disk that fills up, a process that is killed. By the real command, with real models.

use crate::offline::models;
use crate::page::program;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PASSPHRASE: &str = "correct horse battery staple";

/// Bytes that cannot be made smaller, as letters.
fn noise(bytes: usize) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state >> 32) as u8 % 16)
    };
    (0..bytes).map(|_| letter()).collect()
}

/// Runs a script that may mount a disk at `$DISK`, which it alone sees; `$HEARTH` is the program, `$FILES` is `folder`.
#[cfg(target_os = "linux")]
fn on_a_disk_of_its_own(script: &str, folder: &std::path::Path) -> std::process::Output {
    Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .env("HEARTH", program("hearth"))
        .env("HEARTH_PASSPHRASE", PASSPHRASE)
        .env("MODELS", models())
        .env("FILES", folder)
        .env("DISK", folder.join("disk"))
        .output()
        .expect("unshare (util-linux) is there")
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_said_and_nothing_kept_before_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    std::fs::write(folder.path().join("small.txt"), "The tenant keeps the weir in repair.\n").unwrap();
    let large = format!("<html><body><p>The mill has three stones.</p><!-- {} --></body></html>", noise(24 << 20));
    std::fs::write(folder.path().join("large.html"), large).unwrap();
    // A disk of its own, which only this script sees; it grows in the end, as a disk does that was tidied up.
    let script = r#"
        mount -t tmpfs -o size=12m none "$DISK" || exit 9
        hearth() { "$HEARTH" --data-dir "$DISK/vault" --models-dir "$MODELS" "$@"; }
        hearth import "$FILES/small.txt" 2>/dev/null; echo "small: $?"
        hearth import "$FILES/large.html" 2>/dev/null; echo "large: $?"
        hearth audit verify; echo "verify: $?"
        hearth search weir; echo "search: $?"
        mount -o remount,size=200m none "$DISK" || exit 9
        hearth import "$FILES/large.html" 2>/dev/null; echo "again: $?"
        hearth search stones; echo "found: $?"
    "#;
    let done = on_a_disk_of_its_own(script, folder.path());
    let said = String::from_utf8_lossy(&done.stdout);
    let line = |start: &str| said.lines().find(|line| line.starts_with(start)).unwrap_or_default();
    assert_eq!(line("small: "), "small: 0", "{said}");
    assert_eq!(line("large: "), "large: 1", "{said}");
    assert!(line("failed\tlarge.html").contains("Disk full"), "it says what is amiss: {said}");
    assert_eq!((line("verify: "), line("search: ")), ("verify: 0", "search: 0"), "what was there is whole: {said}");
    assert_eq!((line("again: "), line("found: ")), ("again: 0", "found: 0"), "with room it works: {said}");
}

#[test]
#[cfg(target_os = "linux")]
fn many_files_on_a_disk_that_fills_up_all_come_to_an_end_and_what_is_there_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, files) = (folder.path().join("disk"), folder.path().join("files"));
    std::fs::create_dir(&disk).unwrap();
    std::fs::create_dir(&files).unwrap();
    std::fs::write(folder.path().join("small.txt"), "The tenant keeps the weir in repair.\n").unwrap();
    for n in 0..24 {
        std::fs::write(files.join(format!("{n}.html")), format!("<p>Stone {n}.</p><!-- {} -->", noise(200_000)))
            .unwrap();
    }
    let script = r#"
        mount -t tmpfs -o size=3m none "$DISK" || exit 9
        hearth() { timeout 60 "$HEARTH" --data-dir "$DISK/vault" --models-dir "$MODELS" "$@"; }
        hearth import "$FILES/small.txt"; echo "small: $?"
        hearth import "$FILES/files"; echo "many: $?"
        dd if=/dev/zero of="$DISK/rest" bs=4k 2>/dev/null; df "$DISK"
        hearth search weir; echo "search: $?"
        hearth audit verify; echo "verify: $?"
        hearth import "$FILES/files/1.html"; echo "more: $?"
    "#;
    let done = on_a_disk_of_its_own(script, folder.path());
    let said = String::from_utf8_lossy(&done.stdout);
    let told = format!("{said}\n{}", String::from_utf8_lossy(&done.stderr));
    let line = |start: &str| said.lines().find(|line| line.starts_with(start)).unwrap_or_default();
    assert_eq!((line("small: "), line("many: ")), ("small: 0", "many: 1"), "{told}");
    let failed: Vec<_> = said.lines().filter(|line| line.starts_with("failed\t")).collect();
    assert!(!failed.is_empty() && failed.iter().all(|line| line.contains("Disk full. There is no room")), "{told}");
    assert!(failed.iter().all(|line| line.contains("Make room for")), "{told}");
    assert!(!told.contains("ERROR"), "nothing but sentences: {told}");
    assert_eq!((line("search: "), line("verify: ")), ("search: 0", "verify: 0"), "{told}");
    assert_eq!(line("more: "), "more: 1", "{told}");
}

/// The first child of a process that was started with an argument.
fn child_of(parent: u32, argument: &str) -> Option<i32> {
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let its: u32 = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        let words = std::fs::read(entry.path().join("cmdline")).ok()?;
        let asked = words.split(|byte| *byte == 0).any(|word| word == argument.as_bytes());
        (its == parent && asked).then_some(pid)
    })
}

/// `hearth` with words, on a vault in a folder.
fn hearth(data: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(program("hearth"));
    command.arg("--data-dir").arg(data).arg("--models-dir").arg(models()).args(words);
    command.env("HEARTH_PASSPHRASE", PASSPHRASE);
    command
}

/// Runs `hearth`, kills its first child of a kind, and gives what it printed.
fn killing(data: &Path, argument: &str, words: &[&str]) -> String {
    let running = hearth(data, words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("hearth starts");
    let until = Instant::now() + Duration::from_secs(60);
    let pid = loop {
        match child_of(running.id(), argument) {
            Some(pid) => break pid,
            None => assert!(Instant::now() < until, "no {argument} was started"),
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill is there").success());
    String::from_utf8_lossy(&running.wait_with_output().expect("hearth ends").stdout).into_owned()
}

#[test]
#[cfg(target_os = "linux")]
fn a_killed_reader_costs_one_file_and_only_until_it_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let slow = folder.path().join("slow.html");
    std::fs::write(&slow, format!("<p>The weir is old.</p>{}", "<p>x</p>".repeat(200_000))).unwrap();
    let said = killing(&data, "__reader", &["import", slow.to_str().unwrap()]);
    assert!(said.starts_with("failed\tslow.html\t"), "{said}");
    std::fs::write(&slow, "<p>The weir is old.</p>").unwrap();
    let again = hearth(&data, &["import", slow.to_str().unwrap()]).output().expect("hearth runs");
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(said.starts_with("indexed\tslow.html\t"), "{said}");
}
