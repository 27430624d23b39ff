//! Runs the steps, each as a process of its own behind the namespace and under the tracer, and reads what the tracer saw.

use super::bait::BAIT;
use super::{ProofPlan, Step};
use crate::error;
use hearth_api::{Error, ErrorCode};
use hearth_sandbox::{Limits, RunError, Spawn, find_program, run_to_end};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// The longest that a step may take.
const LONGEST: Duration = Duration::from_secs(300);
/// How long the window stays open.
const WINDOW: Duration = Duration::from_secs(25);
/// The vault of a proof holds nothing but bait.
const PASSPHRASE: &str = "a proof has no secrets";
/// More of a step's last words than a report needs, characters.
const WORDS: usize = 160;

/// What stands before the program's own words.
struct Behind {
    namespace: Vec<OsString>,
    said: String,
    tracer: Option<String>,
}

/// Every step, with what kept them from the network and what saw them.
pub(super) fn all(
    plan: &ProofPlan,
    folder: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<(String, Option<String>, Vec<Step>), Error> {
    let data = folder.join("data");
    let papers = folder.join("papers");
    for folder in [&data, &papers] {
        std::fs::create_dir_all(folder).map_err(|why| error::io(&why, "make", folder))?;
    }
    for (name, text) in BAIT {
        let path = papers.join(name);
        std::fs::write(&path, text).map_err(|why| error::io(&why, "write", &path))?;
    }
    let behind = behind()?;
    let bench = Bench { plan, folder, behind: &behind };
    let mut steps = Vec::new();
    // Words, what it is, and whether it must be refused.
    let papers = papers.to_string_lossy().into_owned();
    let known: [(&str, Vec<&str>, bool); 7] = [
        ("Reads documents that ask to be fetched from", vec!["import", &papers], false),
        ("Answers from them", vec!["ask", "What is the yearly rent of the mill?"], false),
        (
            "Answers from a web page and a letter",
            vec!["ask", "How many oak planks does the weir need, and what is the tariff?"],
            false,
        ),
        ("Calls a tool", vec!["ask", "/calculate 12 * 7"], false),
        ("Searches", vec!["search", "weir"], false),
        ("Switches to Offline", vec!["policy", "mode", "offline"], false),
        ("Refuses to fetch a model", vec!["models", "fetch-defaults"], true),
    ];
    for (what, words, refused) in known {
        progress(what);
        steps.push(bench.step(what, &words, refused)?);
    }
    if let Some(window) = &plan.window {
        progress("Opens the window");
        steps.push(bench.window(window)?);
    }
    Ok((behind.said.clone(), behind.tracer.clone(), steps))
}

/// A namespace whose only network is its own loopback, and the tracer if one is installed.
fn behind() -> Result<Behind, Error> {
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    let ways = [
        (words(&["unshare", "--map-root-user", "--net", "--"]), "a network namespace without a route (unshare)"),
        (
            words(&["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--"]),
            "a network namespace without a route (bubblewrap)",
        ),
    ];
    let works = |namespace: &[OsString]| {
        let tried = spawn(&[namespace, &words(&["true"])].concat(), "namespace");
        let done = tried.and_then(|spawn| run_to_end(spawn, &[], Duration::from_secs(10), &|| false).ok());
        done.is_some_and(|done| done.ended.success())
    };
    let (namespace, said) = ways.into_iter().find(|(namespace, _)| works(namespace)).ok_or_else(|| {
        Error::new(ErrorCode::Unavailable, "This system gives no network namespace, so nothing can be proven here.")
            .hint("On Linux install util-linux or bubblewrap, or run this as an administrator.")
    })?;
    let tracer =
        find_program("strace").map(|_| "strace: connect, sendto, sendmsg, sendmmsg of every process".to_owned());
    Ok(Behind { namespace, said: said.to_owned(), tracer })
}

fn spawn(words: &[OsString], name: &'static str) -> Option<Spawn> {
    let (program, args) = words.split_first()?;
    let limits = Limits { memory_bytes: 1 << 40, cpu_seconds: None, open_files: 4096, file_size_bytes: 1 << 40 };
    let mut spawn = Spawn::new(program, name, limits).args(args);
    // What it may reach is what is being tried: the namespace keeps it, not the filter.
    spawn.network = true;
    spawn.keep_env = vec!["PATH", "HOME", "DISPLAY", "XAUTHORITY", "XDG_*", "WEBKIT_*", "GDK_*", "LIBGL_*"];
    spawn.env = vec![("HEARTH_PASSPHRASE".into(), PASSPHRASE.into())];
    Some(spawn)
}

struct Bench<'a> {
    plan: &'a ProofPlan,
    folder: &'a Path,
    behind: &'a Behind,
}

impl Bench<'_> {
    /// Runs `hearth` with these words.
    fn step(&self, what: &str, words: &[&str], refused: bool) -> Result<Step, Error> {
        let mut program = vec![self.plan.program.clone().into_os_string()];
        // Whoever fetches begins with no model at all.
        program.extend(self.folders(refused));
        program.extend(words.iter().map(OsString::from));
        let done = self.run(&program, LONGEST);
        let (right, said) = match done {
            Ok(done) => {
                let text = if done.ended.success() { done.stdout } else { done.stderr };
                // 4: an answer that was not found or not written, which is an end like any other.
                let ended = done.ended.success() || done.ended.code == Some(4);
                (ended != refused, last_words(&text))
            }
            Err(why) => (false, why.to_string()),
        };
        Ok(Step { what: what.to_owned(), right, said, outward: self.outward()? })
    }

    /// Opens the window for a while, on the screen that is there or on one that nobody sees.
    fn window(&self, window: &Path) -> Result<Step, Error> {
        let mut program: Vec<OsString> = Vec::new();
        if let Some(hidden) = find_program("xvfb-run") {
            program.extend([hidden.into_os_string(), "-a".into()]);
        }
        program.push(window.as_os_str().to_owned());
        program.extend(self.folders(false));
        program.push("--report-ready".into());
        // It is ended when its time is over: a window has no end of its own.
        let (right, said) = match self.run(&program, WINDOW) {
            Err(RunError::Timeout(..)) => (true, "It was open and was closed.".to_owned()),
            Ok(done) => (false, format!("It did not stay open: {}", last_words(&done.stderr))),
            Err(why) => (false, why.to_string()),
        };
        Ok(Step { what: "Opens the window".to_owned(), right, said, outward: self.outward()? })
    }

    fn folders(&self, without_models: bool) -> [OsString; 4] {
        let data = self.folder.join("data").into_os_string();
        let models = if without_models { self.folder.join("none") } else { self.plan.models_dir.clone() };
        ["--data-dir".into(), data, "--models-dir".into(), models.into_os_string()]
    }

    fn run(&self, program: &[OsString], longest: Duration) -> Result<hearth_sandbox::Finished, RunError> {
        let mut words = self.behind.namespace.clone();
        if self.behind.tracer.is_some() {
            let traced = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o"];
            words.extend(traced.map(OsString::from));
            words.push(self.folder.join("trace").into_os_string());
        }
        words.extend(program.iter().cloned());
        match spawn(&words, "proof") {
            Some(spawn) => run_to_end(spawn, &[], longest, &|| false),
            None => Err(RunError::Io("proof", std::io::Error::other("there is nothing to run"))),
        }
    }

    /// What the tracer saw, and the log away for the next step.
    fn outward(&self) -> Result<Vec<String>, Error> {
        let log = self.folder.join("trace");
        if self.behind.tracer.is_none() {
            return Ok(Vec::new());
        }
        let text = std::fs::read(&log).map_err(|why| error::io(&why, "read", &log))?;
        let _ = std::fs::remove_file(&log);
        Ok(String::from_utf8_lossy(&text).lines().filter(|line| reaches_out(line)).map(str::to_owned).collect())
    }
}

/// Whether a line of the tracer names an address of another machine, or a name server, which asks others.
fn reaches_out(line: &str) -> bool {
    if !line.contains("AF_INET") {
        return false;
    }
    let here = line.contains("inet_addr(\"127.") || line.contains("\"::1\"") || line.contains("\"::ffff:127.");
    !here || line.contains("htons(53)")
}

fn last_words(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    last.trim().chars().take(WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_told_from_talk_on_this_machine() {
        for (line, out) in [
            (
                "12 connect(5, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr(\"93.184.216.34\")}, 16) = -1",
                true,
            ),
            (
                "12 connect(5, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0",
                false,
            ),
            (
                "12 connect(5, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"127.0.0.53\")}, 16) = 0",
                true,
            ),
            (
                "12 sendto(5, \"x\", 1, 0, {sa_family=AF_INET6, sin6_port=htons(53), inet_pton(AF_INET6, \"2001:db8::1\")}",
                true,
            ),
            ("12 connect(4, {sa_family=AF_UNIX, sun_path=\"/run/user/0/bus\"}, 110) = 0", false),
        ] {
            assert_eq!(reaches_out(line), out, "{line}");
        }
    }
}
