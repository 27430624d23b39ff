//! What a child may not do, tried by a child. Linux only: elsewhere this room promises nothing.
#![cfg(target_os = "linux")]

use hearth_sandbox::{Child, Ended, Finished, Limits, Spawn, Walls, run_to_end};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const LIMITS: Limits =
    Limits { memory_bytes: 512 << 20, cpu_seconds: Some(60), open_files: 64, file_size_bytes: 1 << 20 };
const MINUTE: Duration = Duration::from_secs(60);

fn captive(args: &[&str]) -> Spawn {
    Spawn::new(env!("CARGO_BIN_EXE_hearth-sandbox-captive"), "captive", LIMITS).args(args.iter().copied())
}

fn finish(spawn: Spawn) -> Finished {
    run_to_end(spawn, b"", MINUTE, &|| false).expect("the captive runs")
}

fn lines(spawn: Spawn) -> Vec<String> {
    let done = finish(spawn);
    assert!(done.ended.success(), "{}: {}", done.ended, String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).lines().map(str::to_owned).collect()
}

/// A folder of this test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hearth-sandbox-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("folder");
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).expect("file");
        path.to_str().expect("a plain name").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_confined_child_reads_its_file_and_nothing_else() {
    let folder = Folder::new("confined");
    let named = folder.file("named.txt", b"may be read");
    let other = folder.file("other.txt", b"may not");
    let lines = lines(captive(&["confined", &named, &other]));
    assert_eq!(lines.first().map(String::as_str), Some("report: network true files true memory true"));
    let (allowed, refused): (Vec<_>, Vec<_>) = lines.iter().skip(1).partition(|line| !line.contains(": refused"));
    assert_eq!(
        allowed,
        ["named file: done", "dies with its parent: 9", "threads: 6", "a second confinement: done"],
        "{lines:#?}"
    );
    assert_eq!(refused.len(), 21, "{refused:#?}");
    assert_eq!(std::fs::read(&named).expect("still there"), b"may be read");
}

#[test]
fn a_program_behind_walls_finds_what_is_named_and_nothing_else() {
    let folder = Folder::new("walled");
    let named = folder.file("named.txt", b"may be read");
    let other = folder.file("other.txt", b"may not");
    let libraries = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"].map(PathBuf::from);
    let program = PathBuf::from(env!("CARGO_BIN_EXE_hearth-sandbox-captive"));
    let run = libraries.into_iter().chain([program]).collect();
    let walls = Walls { read_only: vec![named.clone().into(), "/no/such/place".into()], run };
    let lines = lines(captive(&["walled", &named, &other]).behind(walls));
    let allowed: Vec<_> = lines.iter().filter(|line| !line.contains(": refused")).collect();
    // Its own program is named too; code in memory is left to it, because libraries are mapped so.
    for line in ["named file: done", "own program: done"] {
        assert!(allowed.iter().any(|found| *found == line), "{lines:#?}");
    }
    for tried in [
        "other file",
        "passwd",
        "listing",
        "writing",
        "making a file",
        "removing",
        "listen",
        "datagram",
        "running",
        "fork",
    ] {
        assert!(lines.iter().any(|line| line.starts_with(tried) && line.contains(": refused")), "{tried}: {lines:#?}");
    }
    assert_eq!(std::fs::read(&named).expect("still there"), b"may be read");
}

#[test]
fn a_named_file_can_be_mapped_although_it_is_larger_than_the_cap() {
    let folder = Folder::new("mapped");
    let named = folder.file("weights", &vec![3u8; 16 << 20]);
    let mut spawn = captive(&["mapped", &named]);
    spawn.limits.memory_bytes = 10 << 20;
    assert_eq!(lines(spawn), [format!("sum: {}", 3 * (16 << 20))]);
}

#[test]
fn a_child_over_its_cap_dies_alone() {
    let mut spawn = captive(&["hog", "67108864"]);
    spawn.limits.memory_bytes = 24 << 20;
    let done = finish(spawn.clone());
    assert!(!done.ended.success(), "{}", done.ended);
    assert!(done.stdout.is_empty());
    spawn.limits.memory_bytes = 512 << 20;
    assert_eq!(lines(spawn), ["held: 67108864"]);
    let refused = lines(captive(&["shared"]));
    assert!(refused[0].starts_with("shared memory: refused"), "{refused:?}");
}

#[test]
fn a_child_started_without_network_has_none_before_its_first_instruction() {
    let refused = lines(captive(&["socket"]));
    assert!(refused[0].starts_with("socket: refused"), "{refused:?}");
    let mut open = captive(&["socket"]);
    open.network = true;
    assert_eq!(lines(open), ["socket: done"]);
}

#[test]
fn the_environment_is_scrubbed() {
    let mut spawn = captive(&["env"]);
    let kept = lines(spawn.clone());
    let fine = |line: &String| line.starts_with("LANG=") || line.starts_with("TZ=");
    assert!(kept.iter().all(fine), "{kept:?}");
    spawn.keep_env = vec!["PATH"];
    spawn.env = vec![("HEARTH_WORD".into(), "said".into())];
    let kept = lines(spawn);
    assert!(kept.iter().any(|line| line.starts_with("PATH=")), "{kept:?}");
    assert!(kept.contains(&"HEARTH_WORD=said".to_owned()), "{kept:?}");
}

#[test]
fn a_child_inherits_its_pipes_and_no_other_file() {
    let folder = Folder::new("inherited");
    let path = folder.file("open.txt", b"x");
    // Opened the way careless C code does: without close-on-exec.
    let name = std::ffi::CString::new(path.clone()).expect("no zero");
    #[allow(unsafe_code)]
    // SAFETY: a valid string; the descriptor is closed below.
    let fd = unsafe { libc::open(name.as_ptr(), libc::O_RDONLY) };
    let seen = lines(captive(&["files"]));
    #[allow(unsafe_code)]
    // SAFETY: opened above.
    unsafe {
        libc::close(fd)
    };
    assert!(fd > 2 && seen.len() >= 3, "{seen:?}");
    assert!(!seen.iter().any(|line| line.contains(&path)), "{seen:?}");
}

#[test]
fn dropping_a_child_ends_it() {
    let child = captive(&["wait"]).start().expect("started");
    let id = child.id();
    assert!(is_running(id));
    assert!(child.memory_bytes() > Some(0) && child.peak_memory_bytes() >= child.private_memory_bytes());
    drop(child);
    assert!(!is_running(id));
}

#[test]
fn a_child_outlives_the_thread_that_asked_for_it_and_dies_with_its_parent() {
    let parent = captive(&["parent"]).start().expect("started");
    let mut line = String::new();
    BufReader::new(parent.take_stdout().expect("pipe")).read_line(&mut line).expect("its child's number");
    let grandchild: u32 = line.trim().parse().expect("a number");
    assert!(is_running(grandchild));
    parent.kill();
    let ended = parent.wait().expect("ended");
    assert_eq!(ended, Ended { code: None, signal: Some(9) });
    assert_eq!(parent.try_wait().expect("known"), Some(ended));
    // The grandchild is in a session of its own: only the kernel's promise reaches it.
    assert!(until(|| !is_running(grandchild)));
}

#[test]
fn waiting_and_killing_go_on_different_threads() {
    let child: Child = captive(&["wait"]).start().expect("started");
    let killer = child.killer();
    let waiter = std::thread::spawn(move || child.wait().expect("ended"));
    killer.kill();
    assert_eq!(waiter.join().expect("thread").signal, Some(9));
    killer.kill();
}

#[test]
fn a_tool_gets_its_input_and_gives_both_streams() {
    let input = vec![b'x'; 300_000];
    let done = run_to_end(captive(&["echo"]), &input, MINUTE, &|| false).expect("runs");
    assert!(done.ended.success());
    assert_eq!(done.stdout, input);
    assert_eq!(done.stderr, b"300000 bytes");
}

#[test]
fn a_tool_that_does_not_end_is_ended() {
    let slow = run_to_end(captive(&["wait"]), b"", Duration::from_millis(60), &|| false).unwrap_err();
    assert!(slow.to_string().contains("longer"), "{slow}");
    let cancelled = run_to_end(captive(&["wait"]), b"", MINUTE, &|| true).unwrap_err();
    assert!(cancelled.to_string().contains("cancelled"), "{cancelled}");
}

/// Whether a process is there and not merely waiting to be reaped.
fn is_running(id: u32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z")
}

fn until(done: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        if done() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

/// A driver is woken behind the walls around files, and its threads stand behind all walls; a device that is not used
/// after all opens nothing.
#[test]
fn a_device_and_nothing_else_is_left_to_a_child_that_uses_one() {
    let folder = Folder::new("device");
    let other = folder.file("other.txt", b"may not be touched");
    for (used, left) in
        [("used", &["the device: done", "the driver's file: done"][..]), ("unused", &["the driver's file: done"])]
    {
        let lines = lines(captive(&["device", &other, used]));
        let allowed: Vec<_> = lines.iter().filter(|line| !line.contains(": refused")).cloned().collect();
        let both = ["self", "driver"].iter().flat_map(|who| left.iter().map(move |line| format!("{who}: {line}")));
        let want: Vec<String> = std::iter::once("waking: done".to_owned()).chain(both).collect();
        assert_eq!((allowed, lines.len()), (want, 22), "{used}: {lines:#?}");
    }
    assert_eq!(std::fs::read(&other).expect("still there"), b"may not be touched");
}
