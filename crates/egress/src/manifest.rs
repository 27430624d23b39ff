//! The catalogue of models: what each is, which files it has, where they come from. Types and the parser of
//! `manifest.toml`; the built-in one is part of the program.

use hearth_domain::{BlobHash, ModelId, Role};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const BUILT_IN: &str = include_str!("../../../models/manifest.toml");

/// The manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is not the TOML that was expected.
    #[error("the manifest cannot be read: {0}")]
    Toml(String),
    /// One entry is wrong.
    #[error("the manifest's entry {id} is wrong: {reason}")]
    Entry {
        /// Which.
        id: String,
        /// Why.
        reason: String,
    },
}

/// All models that are known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// In the order in which a person should read them.
    #[serde(rename = "model", default)]
    pub models: Vec<ModelEntry>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// Such as `qwen3-4b-q4_k_m`: lower-case letters, digits, `-`, `_`, `.`.
    pub id: ModelId,
    /// For people.
    pub name: String,
    /// One sentence on what it is good for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The parts that it can play.
    pub roles: Vec<Role>,
    /// Whether Hearth fetches it at first start for its first role.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// The family as GGUF names it (`general.architecture`), or the `model_type` of a safetensors model.
    pub architecture: String,
    /// Such as `Q4_K_M`, `Q8_0`, `F32`.
    pub quantization: String,
    /// How many weights it has.
    pub parameters: u64,
    /// The licence as SPDX names it, or the name that its maker gives it.
    pub licence: String,
    /// Whether the licence is an open one (OSI) without conditions on use.
    pub permissive: bool,
    /// The most tokens that it was made for.
    pub n_ctx: u32,
    /// Where its chat template stands: `gguf` (in the file), or none for models that do not chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_template: Option<String>,
    /// Layers, where known; with the next two it gives the size of the KV cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_layers: Option<u32>,
    /// Key-value heads of one layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_kv_heads: Option<u32>,
    /// Numbers in one head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_dim: Option<u32>,
    /// Numbers in one embedding, for embedders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_dims: Option<u32>,
    /// Which states become the vector, for embedders whose files do not say; the mean without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooling: Option<Pooling>,
    /// Words that an embedder wants before a question.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query_prefix: String,
    /// Words that an embedder wants before a passage.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub passage_prefix: String,
    /// Its files.
    pub files: Vec<ModelFile>,
    /// Where they come from, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
}

/// Which states of a text become its vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean of all.
    Mean,
    /// The first, that of the opening token.
    Cls,
    /// The last.
    Last,
}

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Its name in the model's folder and in each source's folder.
    pub name: String,
    /// Its exact size in bytes, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// About its size in bytes, where the exact one is learned at download.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_about: Option<u64>,
    /// Its SHA-256, where known; else the repository's metadata names it at download.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<BlobHash>,
}

/// Where a model's files come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Source {
    /// A repository on Hugging Face.
    Hf {
        /// `owner/name`.
        repo: String,
        /// A commit (40 hexadecimal digits); without it the newest one is looked up and then held to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<String>,
        /// The folder in the repository; its root without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        folder: Option<String>,
    },
    /// A Python package that carries the files.
    Pip {
        /// Its name.
        package: String,
        /// Its version.
        version: String,
        /// The folder inside the wheel.
        folder: String,
    },
    /// A folder of this machine. A relative one starts at the manifest.
    Path {
        /// The folder.
        path: PathBuf,
    },
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Hf { repo, .. } => write!(f, "Hugging Face ({repo})"),
            Source::Pip { package, version, .. } => write!(f, "the package {package} {version}"),
            Source::Path { path } => write!(f, "{}", path.display()),
        }
    }
}

impl Manifest {
    /// The catalogue that is part of the program.
    ///
    /// # Errors
    /// [`ManifestError`]; a test keeps this from happening.
    pub fn built_in() -> Result<Self, ManifestError> {
        Self::parse(BUILT_IN, None)
    }

    /// Reads a manifest. Relative paths in it start at `base`, the folder of the manifest.
    ///
    /// # Errors
    /// [`ManifestError`], which names the entry.
    pub fn parse(text: &str, base: Option<&Path>) -> Result<Self, ManifestError> {
        let mut manifest: Self = toml::from_str(text).map_err(|error| ManifestError::Toml(error.to_string()))?;
        let mut seen = std::collections::BTreeSet::new();
        for entry in &mut manifest.models {
            let wrong = |reason: String| ManifestError::Entry { id: entry.id.0.clone(), reason };
            check(entry).map_err(wrong)?;
            if !seen.insert(entry.id.clone()) {
                return Err(ManifestError::Entry { id: entry.id.0.clone(), reason: "it stands there twice".into() });
            }
            for source in &mut entry.sources {
                if let (Source::Path { path }, Some(base)) = (source, base) {
                    *path = base.join(&*path);
                }
            }
        }
        Ok(manifest)
    }

    /// The models of this manifest and, after them, those of another whose ids it does not have.
    pub fn joined(mut self, other: Manifest) -> Self {
        for entry in other.models {
            if self.find(&entry.id).is_none() {
                self.models.push(entry);
            }
        }
        self
    }

    /// The model of this id.
    pub fn find(&self, id: &ModelId) -> Option<&ModelEntry> {
        self.models.iter().find(|entry| entry.id == *id)
    }

    /// The models that Hearth fetches at first start, in the order of the manifest.
    pub fn defaults(&self) -> impl Iterator<Item = &ModelEntry> {
        self.models.iter().filter(|entry| entry.default)
    }
}

impl ModelEntry {
    /// Bytes of all its files; exact where every size is known, else near.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size.or(file.size_about).unwrap_or(0)).sum()
    }

    /// Whether every file's exact size and hash are known before download.
    pub fn is_pinned(&self) -> bool {
        self.files.iter().all(|file| file.size.is_some() && file.sha256.is_some())
    }

    /// Bytes of KV cache for one token at 16 bits a number: 2 × layers × key-value heads × head size × 2.
    pub fn kv_bytes_per_token(&self) -> Option<u64> {
        let (layers, heads, dim) = (self.n_layers?, self.n_kv_heads?, self.head_dim?);
        Some(4 * u64::from(layers) * u64::from(heads) * u64::from(dim))
    }

    /// About the memory that it takes with a context of `n_ctx` tokens, bytes: weights, KV cache, and a tenth of the
    /// weights for what is computed on the way.
    pub fn memory_bytes(&self, n_ctx: u32) -> u64 {
        let cache = self.kv_bytes_per_token().unwrap_or(0).saturating_mul(u64::from(n_ctx.min(self.n_ctx)));
        let weights = self.bytes();
        weights.saturating_add(weights / 10).saturating_add(cache)
    }
}

/// Whether a word may be a folder or file name of ours: no separators, no way up, nothing hidden.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && !name.ends_with('.') && name.chars().all(fine)
}

fn is_plain_path(path: &str) -> bool {
    path.split('/').all(is_plain_name)
}

/// Refuses an entry whose names are not plain, or that says too little.
pub(crate) fn check(entry: &ModelEntry) -> Result<(), String> {
    let need = |fine: bool, reason: &str| if fine { Ok(()) } else { Err(reason.to_owned()) };
    let id = &entry.id.0;
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    need(is_plain_name(id) && id.chars().all(lower), "an id has lower-case letters, digits, '-', '_' and '.' only")?;
    need(!entry.roles.is_empty(), "it has no role")?;
    need(!entry.files.is_empty(), "it has no files")?;
    for file in &entry.files {
        need(is_plain_name(&file.name), "a file's name is a plain name, without folders")?;
        need(file.sha256.is_none() || file.size.is_some(), "a file with a hash has its exact size too")?;
    }
    for source in &entry.sources {
        match source {
            Source::Hf { repo, revision, folder } => {
                need(repo.split('/').count() == 2 && is_plain_path(repo), "a repository is owner/name")?;
                let commit = |text: &String| text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
                need(revision.as_ref().is_none_or(commit), "a revision is a commit of 40 hexadecimal digits")?;
                need(folder.as_deref().is_none_or(is_plain_path), "a folder is a plain relative path")?;
            }
            Source::Pip { package, version, folder } => {
                need(is_plain_name(package) && !package.starts_with('-'), "a package has a plain name")?;
                need(is_plain_name(version), "a version is plain")?;
                need(is_plain_path(folder), "a folder is a plain relative path")?;
                need(entry.is_pinned(), "a package's files have their sizes and hashes here")?;
            }
            Source::Path { .. } => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_catalogue_is_sound() {
        let manifest = Manifest::built_in().expect("sound");
        let defaults: Vec<_> = manifest.defaults().map(|entry| entry.roles[0]).collect();
        assert_eq!(defaults, [Role::Chat, Role::Embed]);
        assert!(manifest.defaults().all(|entry| entry.permissive && entry.is_pinned()));
        let carries = |entry: &ModelEntry| entry.sources.iter().any(|source| matches!(source, Source::Pip { .. }));
        assert!(manifest.defaults().all(carries));
        for entry in &manifest.models {
            assert!(!entry.sources.is_empty(), "{}", entry.id);
            assert!(entry.bytes() > 1 << 20, "{}", entry.id);
            assert!(entry.memory_bytes(4096) > entry.bytes(), "{}", entry.id);
            let bits = entry.bytes() as f64 * 8.0 / entry.parameters as f64;
            assert!((3.0..40.0).contains(&bits), "{}: {bits} bits a weight", entry.id);
            let chats = entry.roles.contains(&Role::Chat);
            assert!(!chats || entry.kv_bytes_per_token().is_some(), "{}", entry.id);
            assert_eq!(chats || entry.roles.contains(&Role::Code), entry.chat_template.is_some(), "{}", entry.id);
        }
        let first_bound = manifest.models.iter().position(|entry| !entry.permissive).unwrap_or(manifest.models.len());
        assert!(manifest.models[first_bound..].iter().all(|entry| !entry.permissive), "permissive licences come first");
    }

    #[test]
    fn a_wrong_entry_is_named() {
        let entry = |id: &str, file: &str, source: &str| {
            format!(
                "[[model]]\nid='{id}'\nname='X'\nroles=['chat']\narchitecture='llama'\nquantization='Q4_0'\n\
                 parameters=1\nlicence='MIT'\npermissive=true\nn_ctx=1\nfiles=[{{name='{file}'}}]\nsources=[{source}]\n"
            )
        };
        let check = |text: &str, expect: &str| match Manifest::parse(text, None) {
            Ok(_) => panic!("taken: {text}"),
            Err(error) => assert!(error.to_string().contains(expect), "{error}"),
        };
        let good = "{kind='hf',repo='a/b'}";
        assert!(Manifest::parse(&entry("x", "f.gguf", good), None).is_ok());
        check(&entry("X Y", "f.gguf", good), "an id has");
        check(&entry("..", "f.gguf", good), "an id has");
        check(&entry("x", "../f.gguf", good), "plain name");
        check(&entry("x", "f.gguf", "{kind='hf',repo='a/b/c'}"), "owner/name");
        check(&entry("x", "f.gguf", "{kind='hf',repo='a/..'}"), "owner/name");
        check(&entry("x", "f.gguf", "{kind='hf',repo='a/b',revision='main'}"), "40 hexadecimal");
        check(&entry("x", "f.gguf", "{kind='pip',package='p',version='1',folder='p'}"), "sizes and hashes");
        check(&format!("{0}{0}", entry("x", "f.gguf", good)), "twice");
        check("[[model]]\nid='x'", "cannot be read");
    }

    #[test]
    fn memory_counts_the_cache_up_to_the_models_own_context() {
        let manifest = Manifest::built_in().expect("sound");
        let chat = manifest.defaults().next().expect("a default");
        // 30 layers, 3 heads of 64: 4 × 30 × 3 × 64 bytes a token.
        assert_eq!(chat.kv_bytes_per_token(), Some(23_040));
        assert_eq!(chat.memory_bytes(u32::MAX), chat.memory_bytes(chat.n_ctx));
    }
}
