//! Vectors of an evaluation: made by the embedder of the house, and kept beside the data by the content that they are of,
//! so that the next evaluation makes only those that are new.

use crate::engine::EngineError;
use crate::error;
use crate::kernel::{House, Open};
use crate::models::Installed;
use hearth_api::{Error, ErrorCode};
use hearth_inference::embed::Kind;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

/// Texts given to the embedder at a time.
const BATCH: usize = 32;
/// Components of a vector, at most: more is not a file of ours.
const WIDEST: u32 = 16_384;

type Key = [u8; 32];

/// The embedder with what it made before.
pub(super) struct Vectors<'a> {
    house: &'a House,
    model: Option<(Installed, String)>,
    known: HashMap<Key, Vec<f32>>,
    file: Option<File>,
}

impl<'a> Vectors<'a> {
    /// The embedder of this vault, and the vectors that `cache` keeps of it. Without an embedder words alone are searched.
    ///
    /// # Errors
    /// What the file system says of the cache.
    pub(super) fn open(house: &'a House, open: &Open, cache: Option<&Path>) -> Result<Self, Error> {
        let model = match crate::reindex::of_index(house, open) {
            Ok(found) => Some(found),
            Err(error) if error.code == ErrorCode::ModelMissing => None,
            Err(error) => return Err(error),
        };
        let mut known = HashMap::new();
        let mut file = None;
        if let (Some(folder), Some((_, name))) = (cache, &model) {
            std::fs::create_dir_all(folder).map_err(|e| error::io(&e, "make", folder))?;
            let hash: String = Sha256::digest(name).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            let path = folder.join(format!("{hash}.vectors"));
            let mut opened = OpenOptions::new()
                .create(true)
                .read(true)
                .append(true)
                .open(&path)
                .map_err(|e| error::io(&e, "open", &path))?;
            let mut bytes = Vec::new();
            opened.read_to_end(&mut bytes).map_err(|e| error::io(&e, "read", &path))?;
            let (kept, whole) = read(&bytes);
            // A run that was broken off leaves a cut row behind, and what follows it could not be read.
            if whole < bytes.len() {
                opened.set_len(whole as u64).map_err(|e| error::io(&e, "write", &path))?;
            }
            known = kept;
            file = Some(opened);
        }
        Ok(Self { house, model, known, file })
    }

    /// Which embedder this is.
    pub(super) fn name(&self) -> Option<String> {
        self.model.as_ref().map(|(_, name)| name.clone())
    }

    /// The vectors of some texts, in their order; none where there is no embedder.
    pub(super) fn of(
        &mut self,
        kind: Kind,
        texts: &[String],
        progress: &mut dyn FnMut(&str),
    ) -> Result<Option<Vec<Vec<f32>>>, Error> {
        let Some((model, _)) = self.model.clone() else { return Ok(None) };
        let keys: Vec<Key> = texts.iter().map(|text| key(kind, text)).collect();
        let mut missing: Vec<usize> =
            (0..texts.len()).filter(|at| keys.get(*at).is_some_and(|key| !self.known.contains_key(key))).collect();
        // Texts of like length pad each other least.
        missing.sort_by_key(|at| texts.get(*at).map_or(0, String::len));
        missing.dedup_by_key(|at| keys.get(*at).copied());
        let total = missing.len();
        for (done, some) in missing.chunks(BATCH).enumerate() {
            if done % 8 == 0 {
                progress(&format!("embedding {} of {total}", done * BATCH));
            }
            let batch: Vec<String> = some.iter().filter_map(|at| texts.get(*at).cloned()).collect();
            let vectors = self.embed(&model, kind, batch)?;
            let mut bytes = Vec::new();
            for (at, vector) in some.iter().zip(vectors) {
                let Some(key) = keys.get(*at) else { continue };
                write(&mut bytes, key, &vector);
                self.known.insert(*key, vector);
            }
            if let Some(file) = &mut self.file {
                file.write_all(&bytes).map_err(error::internal)?;
            }
        }
        Ok(Some(keys.iter().map(|key| self.known.get(key).cloned().unwrap_or_default()).collect()))
    }

    /// One batch; an engine that was ended in idleness is started anew once.
    fn embed(&self, model: &Installed, kind: Kind, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Error> {
        match self.house.schedule.engine(self.house, model)?.embed(kind, texts.clone()) {
            Err(EngineError::Died) => {}
            other => return other.map_err(error::internal),
        }
        self.house.schedule.engine(self.house, model)?.embed(kind, texts).map_err(error::internal)
    }
}

fn key(kind: Kind, text: &str) -> Key {
    let side = match kind {
        Kind::Query => b'q',
        Kind::Passage => b'p',
    };
    Sha256::new().chain_update([side]).chain_update(text).finalize().into()
}

/// One row: the key, how many components (u32), the components (f32), all little-endian.
fn write(into: &mut Vec<u8>, key: &Key, vector: &[f32]) {
    into.extend(key);
    into.extend((vector.len() as u32).to_le_bytes());
    vector.iter().for_each(|value| into.extend(value.to_le_bytes()));
}

/// The whole rows of a file, and where they end.
fn read(bytes: &[u8]) -> (HashMap<Key, Vec<f32>>, usize) {
    let mut known = HashMap::new();
    let mut rest = bytes;
    while let Some((key, after)) = rest.split_first_chunk::<32>() {
        let Some((width, after)) = after.split_first_chunk::<4>() else { break };
        let width = u32::from_le_bytes(*width);
        let Some((row, after)) =
            Some(width as usize * 4).filter(|_| width <= WIDEST).and_then(|length| after.split_at_checked(length))
        else {
            break;
        };
        let value = |four: &[u8]| four.try_into().map_or(0.0, f32::from_le_bytes);
        known.insert(*key, row.chunks_exact(4).map(value).collect());
        rest = after;
    }
    (known, bytes.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_back_and_a_cut_one_is_left_out() {
        let (a, b) = (key(Kind::Query, "one"), key(Kind::Passage, "one"));
        assert_ne!(a, b);
        let mut bytes = Vec::new();
        write(&mut bytes, &a, &[0.5, -2.0]);
        let first = bytes.len();
        write(&mut bytes, &b, &[1.0]);
        let (known, whole) = read(&bytes);
        assert_eq!((known[&a].as_slice(), known[&b].as_slice(), whole), (&[0.5, -2.0][..], &[1.0][..], bytes.len()));
        for cut in first..bytes.len() {
            assert_eq!(read(&bytes[..cut]).1, first);
        }
        bytes[first + 32..first + 36].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read(&bytes).1, first);
    }
}
