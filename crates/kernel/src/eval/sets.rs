//! The sets of a folder and the lines of their files. A set is a folder; what cannot be read is said by name.

use super::not_measured;
use hearth_api::{Error, ErrorCode};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// One set.
pub(super) struct Set {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// What its README says of others.
    pub(super) baseline: Option<String>,
}

/// The sets of a folder by name: all, or those that are named or begin so.
///
/// # Errors
/// `NotFound` where there is none, or none for one of the names.
pub(super) fn find(data: &Path, wanted: &[String]) -> Result<Vec<Set>, Error> {
    let missing = |what: String| {
        Error::new(ErrorCode::NotFound, what)
            .hint("A folder of sets holds one folder for each, named by its kind: ret_, mem_, e2e_, gnd_, doc_, ocr, hostile, pii_.")
    };
    let entries = std::fs::read_dir(data)
        .map_err(|error| missing(format!("The folder {} could not be read: {error}.", data.display())))?;
    let mut sets: Vec<Set> = entries
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| {
            let folder = entry.path();
            let baseline = std::fs::read_to_string(folder.join("README.md")).ok().and_then(|t| super::baseline::of(&t));
            Set { name: entry.file_name().to_string_lossy().into_owned(), folder, baseline }
        })
        .collect();
    sets.sort_by(|a, b| a.name.cmp(&b.name));
    for name in wanted {
        if !sets.iter().any(|set| set.name.starts_with(name.as_str())) {
            let there: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
            return Err(missing(format!("There is no set \"{name}\"; there are: {}.", there.join(", "))));
        }
    }
    sets.retain(|set| wanted.is_empty() || wanted.iter().any(|name| set.name.starts_with(name.as_str())));
    if sets.is_empty() {
        return Err(missing(format!("There is no set in {}.", data.display())));
    }
    Ok(sets)
}

impl Set {
    /// The files of this set whose names begin and end so, with what stands between, by name.
    pub(super) fn files(&self, begins: &str, ends: &str) -> Vec<(String, PathBuf)> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut found: Vec<(String, PathBuf)> = entries
            .filter_map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                let middle = name.strip_prefix(begins)?.strip_suffix(ends)?;
                Some((middle.trim_matches('.').to_owned(), entry.path()))
            })
            .collect();
        found.sort();
        found
    }

    /// The objects of a JSON-lines file.
    pub(super) fn lines(&self, file: &str) -> Result<Vec<Value>, Error> {
        lines(&self.folder.join(file))
    }

    /// A file that a manifest names; never one outside of the set.
    pub(super) fn bytes(&self, file: &str) -> Result<Vec<u8>, Error> {
        let plain = Path::new(file).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if !plain {
            return Err(not_measured(format!("{file} names a place outside of the set")));
        }
        std::fs::read(self.folder.join(file))
            .map_err(|error| not_measured(format!("{file} could not be read: {error}")))
    }
}

/// The objects of a JSON-lines file.
pub(super) fn lines(path: &Path) -> Result<Vec<Value>, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text =
        std::fs::read_to_string(path).map_err(|error| not_measured(format!("{name} could not be read: {error}")))?;
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| not_measured(format!("line {} of {name}: {error}", at + 1)))
        })
        .collect()
}

/// A text of an object; empty where there is none.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

/// The texts of a list of an object.
pub(super) fn texts(value: &Value, key: &str) -> Vec<String> {
    let list = value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_found_by_their_names_and_files_stay_inside() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["ret_b", "ret_a", "gnd_c"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("ret_a/README.md"), "# x\n- Baseline on this half: BM25: 0.5\n").unwrap();
        std::fs::write(folder.path().join("ret_a/corpus.de.jsonl"), "{\"a\":1}\n\nnonsense\n").unwrap();
        let names = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(|w| (*w).to_owned()).collect();
            find(folder.path(), &wanted).map(|sets| sets.into_iter().map(|s| s.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).unwrap(), ["gnd_c", "ret_a", "ret_b"]);
        assert_eq!(names(&["ret"]).unwrap(), ["ret_a", "ret_b"]);
        assert!(names(&["ret", "doc"]).unwrap_err().message.contains("\"doc\""));
        let set = find(folder.path(), &["ret_a".into()]).unwrap().remove(0);
        assert_eq!(set.baseline.as_deref(), Some("BM25: 0.5"));
        assert_eq!(set.files("corpus", ".jsonl")[0].0, "de");
        assert!(set.lines("corpus.de.jsonl").unwrap_err().message.starts_with("line 3 of corpus.de.jsonl"));
        assert!(set.bytes("../gnd_c/x").unwrap_err().message.contains("outside"));
    }
}
