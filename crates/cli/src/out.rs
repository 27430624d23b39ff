//! Where words go: results to stdout, progress and errors to stderr, and quiet when the reader has gone away.

use hearth_api::Error;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

/// The two streams of the terminal.
pub(crate) struct Out {
    /// Results are JSON.
    pub(crate) json: bool,
    /// Where results go as JSON besides, if a file was named.
    file: Option<PathBuf>,
    lively: bool,
}

impl Out {
    /// Writes to this process's streams; `json` names a file for JSON, or stdout by `-`.
    pub(crate) fn new(json: Option<PathBuf>) -> Self {
        let file = json.clone().filter(|path| path.as_os_str() != "-");
        Self { json: json.is_some() && file.is_none(), file, lively: io::stderr().is_terminal() }
    }

    /// A line of a result for people; nothing in JSON.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        if !self.json {
            self.write(&format!("{}\n", text.as_ref()));
        }
    }

    /// A piece of a result for people, shown at once; nothing in JSON.
    pub(crate) fn piece(&self, text: &str) {
        if !self.json {
            self.write(text);
        }
    }

    /// The whole result, where it is JSON.
    pub(crate) fn value(&self, value: &impl Serialize) {
        let text = || format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_default());
        if self.json {
            self.write(&text());
        }
        if let Some(path) = &self.file
            && let Err(error) = std::fs::write(path, text())
        {
            self.note(&format!("The results could not be written to {}: {error}.", path.display()));
        }
    }

    /// Bytes of a result as they are, also in JSON: they are the result.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        if stdout.write_all(bytes).and_then(|()| stdout.flush()).is_err() {
            std::process::exit(0);
        }
    }

    fn write(&self, text: &str) {
        let mut stdout = io::stdout().lock();
        if stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_err() {
            // The reader (such as `head`) has what it wanted.
            std::process::exit(0);
        }
    }

    /// Whether somebody looks on at a terminal.
    pub(crate) fn is_lively(&self) -> bool {
        self.lively
    }

    /// What is being done now; replaced by what comes next, and shown on a terminal only.
    pub(crate) fn doing(&self, text: &str) {
        if self.lively {
            let short: String = text.chars().filter(|c| !c.is_control()).take(100).collect();
            let _ = write!(io::stderr(), "\r\x1b[K{short}");
        }
    }

    /// A line about what was done, for a log as well as for a person.
    pub(crate) fn note(&self, text: &str) {
        self.doing("");
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// An error, with what to do about it.
    pub(crate) fn failed(&self, error: &Error) {
        self.doing("");
        if self.json {
            let _ = writeln!(io::stderr(), "{}", serde_json::json!({ "error": error }));
        } else {
            let _ = writeln!(io::stderr(), "hearth: {error}");
        }
    }
}

/// Bytes for people: `4.1 MB`.
pub(crate) fn size(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 || value >= 99.5 {
        format!("{value:.0} {}", units[unit])
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_read_well() {
        for (bytes, expect) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (91_700_000, "91.7 MB"),
            (999_600, "1.0 MB"),
            (5_000_000_000, "5.0 GB"),
        ] {
            assert_eq!(size(bytes), expect);
        }
    }
}
