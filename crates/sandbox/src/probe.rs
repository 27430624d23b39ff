//! Which guards hold on this machine, found by trying them. Nothing here changes the process that asks.

use serde::{Deserialize, Serialize};

/// One guard and whether it holds here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// Such as `no network`.
    pub name: String,
    /// Whether it was seen to hold.
    pub enforced: bool,
    /// One plain sentence.
    pub detail: String,
}

impl Guard {
    fn new(name: &str, enforced: bool, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), enforced, detail: detail.into() }
    }
}

/// Confines a throw-away thread and lets it try what a confined process must not be able to do.
#[cfg(target_os = "linux")]
pub fn probe() -> Vec<Guard> {
    let tried = std::thread::Builder::new().name("sandbox-probe".into()).spawn(try_in_thread);
    let mut guards = match tried.map(std::thread::JoinHandle::join) {
        Ok(Ok(guards)) => guards,
        _ => vec![Guard::new("sandbox", false, "The trial could not be run.")],
    };
    guards.push(Guard::new(
        "capped memory",
        true,
        "Each child gets a limit on private memory (RLIMIT_DATA); mapped weights do not count.",
    ));
    guards.push(Guard::new("children end with Hearth", true, "Each child asks the kernel to end it with its parent."));
    guards
}

/// Landlock, seccomp and capabilities belong to the thread that asked for them, so the trial harms no one.
#[cfg(target_os = "linux")]
fn try_in_thread() -> Vec<Guard> {
    use crate::linux;
    let file = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let readable_before = std::fs::File::open(&file).is_ok();
    let confined = match linux::confine_thread(&crate::Confinement::default()) {
        Ok(confined) => confined,
        Err(error) => return vec![Guard::new("sandbox", false, error.to_string())],
    };
    let socket = linux::can_open_socket();
    let fork = linux::can_fork();
    let readable = std::fs::File::open(&file).is_ok();
    let detail = |word: &str| confined.notes.iter().filter(|note| note.contains(word)).cloned().collect::<Vec<_>>();
    vec![
        Guard::new("no network", !socket && confined.network, detail("network").join(" ")),
        Guard::new("named files only", readable_before && !readable && confined.files, detail("file").join(" ")),
        Guard::new("no new processes", !fork, detail("process").join(" ")),
    ]
}

/// Says that nothing is enforced on this system.
#[cfg(not(target_os = "linux"))]
pub fn probe() -> Vec<Guard> {
    let detail = "Hearth puts up walls around its reader and engine processes on Linux only.";
    ["no network", "named files only", "no new processes", "capped memory", "children end with Hearth"]
        .map(|name| Guard::new(name, false, detail))
        .into()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn the_trial_finds_walls_and_leaves_this_process_free() {
        let guards = super::probe();
        assert!(guards.iter().any(|guard| guard.name == "no network" && guard.enforced), "{guards:?}");
        assert!(guards.iter().any(|guard| guard.name == "no new processes" && guard.enforced), "{guards:?}");
        assert!(guards.iter().all(|guard| !guard.detail.is_empty()), "{guards:?}");
        assert!(std::fs::File::open("/proc/self/exe").is_ok());
        assert!(crate::linux::can_open_socket());
    }
}
