//! Models that other programs keep on this machine: Ollama's (a manifest names layers by digest, a blob each) and LM
//! Studio's (a folder for each publisher and model). Names and sizes are read, no weights; what is found is hostile.

use crate::install::{id_of, quantization, read_small};
use crate::manifest::is_plain_name;
use hearth_domain::{BlobHash, ModelId};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Models that are listed of one place, at most.
const MAX_FOUND: usize = 2000;
/// Folders within folders, at most.
const MAX_DEPTH: usize = 8;

/// A program that keeps models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Ollama.
    Ollama,
    /// LM Studio.
    LmStudio,
    /// None that is known: a file that a person named.
    Other,
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ollama => "Ollama",
            Self::LmStudio => "LM Studio",
            Self::Other => "its owner",
        })
    }
}

/// A model that another program keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The id that it gets here.
    pub id: ModelId,
    /// As its program names it.
    pub name: String,
    /// Whose it is.
    pub program: Program,
    /// Its file.
    pub path: PathBuf,
    /// Bytes of its file.
    pub size: u64,
    /// Such as `Q4_K_M`; empty where nothing says it.
    pub quantization: String,
    /// The licence, where its program keeps one: as SPDX names it, else the first line of its text.
    pub licence: Option<String>,
    /// The SHA-256 that its program names.
    pub sha256: Option<BlobHash>,
    /// Why it cannot be used from there.
    pub unusable: Option<&'static str>,
}

impl Found {
    /// A file that a person named.
    ///
    /// # Errors
    /// The sentence that says why not.
    pub fn file(path: &Path) -> Result<Self, &'static str> {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let unusable = is_part(&stem).then_some(PART);
        let size = path.metadata().ok().filter(std::fs::Metadata::is_file).map(|meta| meta.len());
        Ok(Self {
            id: id_of(&stem).ok_or("its name says nothing; rename it")?,
            quantization: quantization(&stem),
            name: stem,
            program: Program::Other,
            path: path.to_owned(),
            size: size.ok_or("it is not a file")?,
            licence: None,
            sha256: None,
            unusable,
        })
    }
}

/// Where the programs usually keep their models, on this system and for this person. `get` gives an environment variable.
pub fn usual_places(get: &dyn Fn(&str) -> Option<PathBuf>) -> Vec<(Program, PathBuf)> {
    let mut places = Vec::new();
    let mut note = |program, path: PathBuf| {
        if !places.contains(&(program, path.clone())) {
            places.push((program, path));
        }
    };
    if let Some(path) = get("OLLAMA_MODELS") {
        note(Program::Ollama, path);
    }
    if let Some(home) = get("HOME").or_else(|| get("USERPROFILE")) {
        note(Program::Ollama, home.join(".ollama").join("models"));
        note(Program::LmStudio, home.join(".lmstudio").join("models"));
        note(Program::LmStudio, home.join(".cache").join("lm-studio").join("models"));
    }
    if cfg!(target_os = "linux") {
        // Where its own service runs.
        note(Program::Ollama, PathBuf::from("/usr/share/ollama/.ollama/models"));
        note(Program::Ollama, PathBuf::from("/var/lib/ollama/models"));
    }
    places
}

/// The models in these places, each id once. A place that is not there holds none.
pub fn found(places: &[(Program, PathBuf)]) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    for (program, folder) in places {
        let models = match program {
            Program::Ollama => ollama(folder),
            _ => lm_studio(folder),
        };
        for model in models {
            if !all.iter().any(|known| known.id == model.id) {
                all.push(model);
            }
        }
    }
    all
}

/// Files below a folder, in order; links and hidden files are left alone.
fn walk(folder: &Path, depth: usize, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().take(MAX_FOUND).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let Ok(kind) = entry.file_type() else { continue };
        if into.len() >= MAX_FOUND || entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() && depth < MAX_DEPTH {
            walk(&entry.path(), depth + 1, into);
        } else if kind.is_file() {
            into.push(entry.path());
        }
    }
}

#[derive(Deserialize)]
struct OllamaManifest {
    config: Option<Layer>,
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    #[serde(rename = "mediaType", default)]
    kind: String,
    digest: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OllamaConfig {
    model_format: String,
    file_type: String,
}

fn ollama(models: &Path) -> Vec<Found> {
    let manifests = models.join("manifests");
    let mut files = Vec::new();
    walk(&manifests, 0, &mut files);
    files.iter().filter_map(|file| ollama_model(models, file, file.strip_prefix(&manifests).ok()?)).collect()
}

/// One manifest: `HOST/NAMESPACE/MODEL/TAG`.
fn ollama_model(models: &Path, file: &Path, place: &Path) -> Option<Found> {
    let parts: Vec<_> = place.iter().map(|part| part.to_str()).collect::<Option<_>>()?;
    let [.., space, model, tag] = parts.as_slice() else { return None };
    let name = if *space == "library" { format!("{model}:{tag}") } else { format!("{space}/{model}:{tag}") };
    let id = id_of(&name.replace([':', '/'], "-"))?;
    let manifest: OllamaManifest = serde_json::from_slice(&read_small(file)?).ok()?;
    let layer = |what: &str| {
        let kind = format!("application/vnd.ollama.image.{what}");
        manifest.layers.iter().find(|layer| layer.kind == kind)
    };
    let (sha256, path) = blob(models, layer("model")?)?;
    let size = path.metadata().ok().filter(fs::Metadata::is_file)?.len();
    let read = |layer: &Layer| read_small(&blob(models, layer)?.1);
    let config = manifest.config.as_ref().and_then(read);
    let config: OllamaConfig = config.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let parted = manifest.layers.iter().filter(|layer| layer.kind.ends_with(".image.model")).count() > 1;
    let unusable = if layer("adapter").is_some() {
        Some("it is changed by an adapter, which Hearth does not apply")
    } else if parted || !matches!(config.model_format.as_str(), "" | "gguf") {
        Some("it is not one GGUF file")
    } else {
        None
    };
    Some(Found {
        id,
        name,
        program: Program::Ollama,
        path,
        size,
        quantization: plain(&config.file_type, 16),
        licence: layer("license").and_then(read).and_then(|text| licence(&text)),
        sha256: Some(sha256),
        unusable,
    })
}

/// The file of a layer. A digest is hexadecimal, so no path in it leads elsewhere.
fn blob(models: &Path, layer: &Layer) -> Option<(BlobHash, PathBuf)> {
    let sha256 = BlobHash::try_from(layer.digest.strip_prefix("sha256:")?.to_owned()).ok()?;
    Some((sha256, models.join("blobs").join(format!("sha256-{sha256}"))))
}

/// What a licence's text is called.
fn licence(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next()?;
    Some(match first {
        "Apache License" if lines.next().is_some_and(|line| line.starts_with("Version 2.0")) => "Apache-2.0".to_owned(),
        "MIT License" | "The MIT License (MIT)" => "MIT".to_owned(),
        other => plain(other, 60),
    })
}

fn plain(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

/// LM Studio: `PUBLISHER/MODEL/*.gguf`.
fn lm_studio(models: &Path) -> Vec<Found> {
    let mut files = Vec::new();
    walk(models, 0, &mut files);
    let mut all = Vec::new();
    for path in files {
        let gguf = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gguf"));
        let deep = path.strip_prefix(models).is_ok_and(|inside| inside.iter().count() == 3);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // The eyes of a model that sees are a file of their own, and no model.
        if !gguf || !deep || stem.to_ascii_lowercase().starts_with("mmproj") {
            continue;
        }
        let Ok(mut model) = Found::file(&path) else { continue };
        model.program = Program::LmStudio;
        if is_plain_name(&model.id.0) && !all.iter().any(|known: &Found| known.id == model.id) {
            all.push(model);
        }
    }
    all
}

/// Why a file whose name `is_part` cannot be used.
pub(crate) const PART: &str = "it is one part of a model of several files; get the model as one file";

/// Whether a name ends like `-00001-of-00003`.
pub(crate) fn is_part(stem: &str) -> bool {
    let digits = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut words = stem.rsplit('-');
    let (last, of, first) = (words.next(), words.next(), words.next());
    of == Some("of") && last.is_some_and(digits) && first.is_some_and(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cancel, DownloadError, Manifest, add_here, installed, remove};
    use sha2::{Digest, Sha256};
    use std::time::{Duration, SystemTime};
    use tempfile::TempDir;

    fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Puts a blob and gives the layer that names it.
    fn layer(models: &Path, kind: &str, bytes: &[u8]) -> serde_json::Value {
        let sha256 = BlobHash(Sha256::digest(bytes).into());
        put(models, &format!("blobs/sha256-{sha256}"), bytes);
        let kind = format!("application/vnd.ollama.image.{kind}");
        serde_json::json!({ "mediaType": kind, "digest": format!("sha256:{sha256}"), "size": bytes.len() })
    }

    fn weights() -> Vec<u8> {
        [b"GGUF".as_slice(), &[5; 700]].concat()
    }

    fn ollama_with(more: &[(&str, &[u8])]) -> TempDir {
        let models = tempfile::tempdir().unwrap();
        let config = layer(models.path(), "config", br#"{"model_format":"gguf","file_type":"Q4_K_M"}"#);
        let mut layers = vec![layer(models.path(), "model", &weights())];
        layers.extend(more.iter().map(|(kind, bytes)| layer(models.path(), kind, bytes)));
        let manifest = serde_json::json!({ "schemaVersion": 2, "config": config, "layers": layers });
        put(models.path(), "manifests/registry.example/library/small/1b", manifest.to_string().as_bytes());
        models
    }

    fn look(models: &Path, program: Program) -> Vec<Found> {
        found(&[(program, models.to_owned()), (program, models.join("nowhere"))])
    }

    fn use_it(found: &Found, root: &Path) -> Result<crate::Added, DownloadError> {
        add_here(found, root, &Manifest { models: Vec::new() }, &Cancel::new(), &mut |_| {})
    }

    #[test]
    fn a_model_of_ollama_is_used_where_it_lies_and_stays_when_it_is_removed() {
        let licence = b"\n  Apache License\n  Version 2.0, January 2004\n".as_slice();
        let models = ollama_with(&[("license", licence), ("template", b"{{ .Prompt }}"), ("params", b"{}")]);
        let seen = look(models.path(), Program::Ollama);
        let [model] = seen.as_slice() else { panic!("{seen:?}") };
        assert_eq!((model.id.0.as_str(), model.name.as_str()), ("small-1b", "small:1b"));
        assert_eq!((model.quantization.as_str(), model.licence.as_deref()), ("Q4_K_M", Some("Apache-2.0")));
        assert_eq!((model.size, model.unusable), (704, None));
        let root = tempfile::tempdir().unwrap();
        let added = use_it(model, root.path()).unwrap().model;
        assert!(added.is_elsewhere() && added.broken.is_empty() && added.entry.permissive);
        assert_eq!(added.path_of(&added.files[0]), model.path.canonicalize().unwrap());
        assert_eq!(fs::read_dir(&added.folder).unwrap().count(), 1, "the record alone");
        assert_eq!(installed(root.path()).unwrap(), [added]);
        assert!(matches!(use_it(model, root.path()), Err(DownloadError::Already(_))));
        remove(root.path(), &model.id).unwrap();
        assert!(installed(root.path()).unwrap().is_empty());
        assert_eq!(fs::read(&model.path).unwrap(), weights());
    }

    #[test]
    fn a_file_that_went_or_changed_is_told_and_one_that_was_touched_is_read_again() {
        let shelf = tempfile::tempdir().unwrap();
        let path = put(shelf.path(), "maker/small/small-Q8_0.gguf", &weights());
        let model = look(shelf.path(), Program::LmStudio).remove(0);
        let root = tempfile::tempdir().unwrap();
        use_it(&model, root.path()).unwrap();
        let broken = || installed(root.path()).unwrap().remove(0).broken;
        let touch = |seconds| {
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        };
        let record = || fs::read_to_string(root.path().join("small-q8_0/hearth-model.json")).unwrap();
        touch(1_000_000);
        assert!(broken().is_empty(), "the same bytes");
        assert!(record().contains("1000000000000000"), "the new time is noted");
        let mut other = weights();
        other[300] ^= 1;
        fs::write(&path, &other).unwrap();
        touch(2_000_000);
        assert_eq!(broken(), ["small-q8_0.gguf"], "other bytes of the same size");
        fs::write(&path, weights()).unwrap();
        assert!(broken().is_empty(), "put back");
        fs::write(&path, b"GGUF").unwrap();
        assert_eq!(broken().len(), 1);
        fs::remove_file(&path).unwrap();
        assert_eq!(broken().len(), 1);
        assert!(use_it(&model, root.path()).is_err());
    }

    #[test]
    fn a_blob_that_is_not_its_digest_is_refused() {
        let models = ollama_with(&[]);
        let model = look(models.path(), Program::Ollama).remove(0);
        let mut other = weights();
        other[10] ^= 1;
        fs::write(&model.path, other).unwrap();
        let root = tempfile::tempdir().unwrap();
        assert!(matches!(use_it(&model, root.path()), Err(DownloadError::Mismatch { .. })));
        fs::write(&model.path, b"no model").unwrap();
        assert!(matches!(use_it(&model, root.path()), Err(DownloadError::NotAModel { .. })));
        assert!(installed(root.path()).unwrap().is_empty());
    }

    #[test]
    fn what_a_program_keeps_is_hostile() {
        let models = ollama_with(&[("adapter", b"a")]);
        let model = look(models.path(), Program::Ollama).remove(0);
        assert!(model.unusable.is_some());
        assert!(use_it(&model, models.path()).unwrap_err().to_string().contains("adapter"));
        let models = tempfile::tempdir().unwrap();
        for (n, text) in ["", "{}", "[1]", r#"{"layers":[{"digest":"sha256:../../x"}]}"#].into_iter().enumerate() {
            put(models.path(), &format!("manifests/h/library/m{n}/t"), text.as_bytes());
        }
        let up =
            r#"{"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:../../../etc/passwd"}]}"#;
        put(models.path(), "manifests/h/library/up/t", up.as_bytes());
        put(models.path(), "manifests/short", up.as_bytes());
        assert!(look(models.path(), Program::Ollama).is_empty());
    }

    #[test]
    fn lm_studio_keeps_models_by_publisher() {
        let shelf = tempfile::tempdir().unwrap();
        for name in ["a/b/Good-Q4_0.gguf", "a/b/mmproj-Good.gguf", "a/b/notes.txt", "loose.gguf", ".x/b/hidden.gguf"] {
            put(shelf.path(), name, &weights());
        }
        put(shelf.path(), "a/c/big-00001-of-00002.gguf", &weights());
        let seen = look(shelf.path(), Program::LmStudio);
        let ids: Vec<_> = seen.iter().map(|model| (model.id.0.as_str(), model.unusable.is_some())).collect();
        assert_eq!(ids, [("good-q4_0", false), ("big-00001-of-00002", true)]);
        assert_eq!(seen[0].quantization, "Q4_0");
    }

    #[test]
    fn the_usual_places_follow_the_environment() {
        let get = |name: &str| match name {
            "OLLAMA_MODELS" => Some(PathBuf::from("/big/ollama")),
            "HOME" => Some(PathBuf::from("/home/ann")),
            _ => None,
        };
        let places = usual_places(&get);
        assert_eq!(places[0], (Program::Ollama, PathBuf::from("/big/ollama")));
        for place in [(Program::Ollama, "/home/ann/.ollama/models"), (Program::LmStudio, "/home/ann/.lmstudio/models")]
        {
            assert!(places.contains(&(place.0, PathBuf::from(place.1))));
        }
    }
}
