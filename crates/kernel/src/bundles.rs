//! Models carried between machines without a network: packing and unpacking, with the key of this house. Both work while
//! the vault is closed.

use crate::error;
use crate::kernel::House;
use crate::models::sentence;
use hearth_api::{Error, ErrorCode};
use hearth_domain::ModelId;
use hearth_egress::{BundleError, Cancel, Progress};
use std::path::{Path, PathBuf};

/// A bundle that was made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PackedModels {
    /// The models in it.
    pub models: Vec<String>,
    /// Its size, bytes.
    pub bytes: u64,
    /// The fingerprint of this house's key.
    pub fingerprint: String,
}

/// What a bundle brought.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct UnpackedModels {
    /// Models that are installed now.
    pub added: Vec<String>,
    /// Models that were here already and stayed as they were.
    pub kept: Vec<String>,
    /// The fingerprint of the key that signed it.
    pub fingerprint: String,
    /// Whether that is this house's own key.
    pub own: bool,
}

/// Where the key of this house is.
fn key(house: &House) -> PathBuf {
    house.config.data_dir.join("bundle-key")
}

/// Packs models, each of which is here and whole.
pub(crate) fn pack(
    house: &House,
    ids: &[String],
    to: &Path,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<PackedModels, Error> {
    let here = house.models.all_files()?;
    let find = |id: &String| {
        here.iter().find(|model| model.entry.id.0 == *id).cloned().ok_or_else(|| BundleError::NotInstalled(id.clone()))
    };
    let models: Vec<_> = ids.iter().map(find).collect::<Result<_, _>>().map_err(|error| failed(error, to))?;
    let mut tell = |step: Progress| progress(&step.file, step.done_bytes, step.total_bytes);
    let packed = hearth_egress::pack(&models, to, &key(house), &Cancel::new(), &mut tell);
    let packed = packed.map_err(|error| failed(error, to))?;
    let models: Vec<_> = packed.models.into_iter().map(|id| id.0).collect();
    let said = format!("Packed {} into a bundle", models.join(", "));
    house.note("model.packed", said, None, serde_json::json!({ "models": models, "signer": packed.fingerprint }));
    Ok(PackedModels { models, bytes: packed.bytes, fingerprint: packed.fingerprint })
}

/// Unpacks a bundle into the models' folder.
pub(crate) fn unpack(
    house: &House,
    from: &Path,
    trusted: Option<&str>,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<UnpackedModels, Error> {
    let models = &house.models;
    let mut tell = |step: Progress| progress(&step.file, step.done_bytes, step.total_bytes);
    let unpacked =
        hearth_egress::unpack(from, models.root(), models.manifest(), &key(house), trusted, &Cancel::new(), &mut tell);
    let unpacked = unpacked.map_err(|error| failed(error, from))?;
    models.look_again();
    let names = |ids: Vec<ModelId>| ids.into_iter().map(|id| id.0).collect::<Vec<_>>();
    let done = UnpackedModels {
        added: names(unpacked.added),
        kept: names(unpacked.kept),
        fingerprint: unpacked.fingerprint,
        own: unpacked.own,
    };
    if !done.added.is_empty() {
        let said = format!("Added {} from a bundle", done.added.join(", "));
        house.note("model.added", said, None, serde_json::json!({ "models": done.added, "signer": done.fingerprint }));
        house.events.stale(&["ListModels"]);
        house.tell_status();
    }
    Ok(done)
}

fn failed(error: BundleError, bundle: &Path) -> Error {
    let text = sentence(&error.to_string());
    match error {
        BundleError::File { path, source } => error::io(&source, "read or write", &path),
        BundleError::NoRoom { .. } => Error::new(ErrorCode::DiskFull, text),
        BundleError::UnknownSigner { fingerprint } => Error::new(ErrorCode::Denied, text).hint(format!(
            "If `hearth models pack` showed this fingerprint on the other machine, run \
             `hearth models unpack {} --trust {fingerprint}`. Nothing was taken from it.",
            shell_word(bundle)
        )),
        BundleError::Newer { .. } => Error::new(ErrorCode::NewerFile, text),
        BundleError::NotInstalled(_) => Error::new(ErrorCode::NotFound, text),
        BundleError::NotWhole { .. } => Error::new(ErrorCode::ModelMissing, text),
        BundleError::Exists(_) => Error::new(ErrorCode::AlreadyExists, text),
        BundleError::Busy => Error::new(ErrorCode::InUse, text),
        BundleError::NotABundle { .. } | BundleError::NotAFingerprint(_) => Error::new(ErrorCode::Invalid, text),
        _ => Error::new(ErrorCode::Damaged, text),
    }
}

/// A path as a shell takes it for one word.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/\\:._-+".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_signer_is_answered_with_the_command_to_run() {
        let unknown = || BundleError::UnknownSigner { fingerprint: "01234567-89abcdef".into() };
        let error = failed(unknown(), Path::new("/media/my stick/b.tar"));
        assert_eq!(error.code, ErrorCode::Denied);
        assert!(error.message.contains("01234567-89abcdef"), "{error}");
        let hint = error.hint.unwrap();
        assert!(hint.contains("`hearth models unpack '/media/my stick/b.tar' --trust 01234567-89abcdef`"), "{hint}");
        assert_eq!(shell_word(Path::new("it's")), r"'it'\''s'");
    }
}
