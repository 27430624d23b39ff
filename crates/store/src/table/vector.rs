//! Embeddings as int8, one row per passage: the truth that the index in memory is loaded from.

use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::{DocumentId, PassageId};
use rusqlite::OptionalExtension;

pub(crate) const CREATE: &str = "
CREATE TABLE vector (
    passage INTEGER PRIMARY KEY REFERENCES passage(id),
    numbers BLOB NOT NULL,        -- int8 each: component times 127 of a vector of length 1
    checksum INTEGER NOT NULL
) STRICT;
";

/// What one component of 1.0 becomes.
const SCALE: f32 = 127.0;

/// Quantizes a vector, scaled to length 1 first. Shape (d) to (d).
pub(crate) fn quantize(vector: &[f32]) -> Result<Vec<i8>> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if vector.is_empty() || !length.is_finite() {
        return Err(StoreError::Invalid("an embedding must be a list of finite numbers".into()));
    }
    let scale = if length > 0.0 { SCALE / length } else { 0.0 };
    Ok(vector.iter().map(|x| (x * scale).round().clamp(-SCALE, SCALE) as i8).collect())
}

/// FNV-1a over the passage's id and its numbers, so that a row that changed or moved shows.
pub(crate) fn checksum(passage: PassageId, numbers: &[u8]) -> i64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(PRIME).rotate_left(23);
    let start = mix(0xcbf2_9ce4_8422_2325, passage.0 as u64);
    let hash = numbers.chunks(8).fold(mix(start, numbers.len() as u64), |hash, part| {
        let mut word = [0; 8];
        word.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
        mix(hash, u64::from_le_bytes(word))
    });
    mix(hash, 0) as i64
}

impl Reader<'_> {
    /// The embeddings of passages, of length 1, in the order asked; missing or damaged ones are left out.
    pub fn embeddings(&self, ids: &[PassageId]) -> Result<Vec<(PassageId, Vec<f32>)>> {
        let unit = |(id, numbers): (PassageId, Vec<u8>)| {
            let wide: Vec<f32> = numbers.iter().map(|n| f32::from(*n as i8)).collect();
            let length = wide.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
            (id, wide.into_iter().map(|x| x / length).collect())
        };
        Ok(self.numbers(ids.iter().copied())?.into_iter().map(unit).collect())
    }

    /// The rows of passages as they are kept, in the order asked; missing or damaged ones are left out.
    pub(crate) fn numbers(&self, ids: impl Iterator<Item = PassageId>) -> Result<Vec<(PassageId, Vec<u8>)>> {
        let mut statement = self.db.prepare_cached("SELECT numbers, checksum FROM vector WHERE passage = ?1")?;
        let mut found = Vec::with_capacity(ids.size_hint().0);
        for id in ids {
            let row = statement.query_row([id.0], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?)));
            let sound = row.optional()?.filter(|(numbers, sum)| *sum == checksum(id, numbers));
            found.extend(sound.map(|(numbers, _)| (id, numbers)));
        }
        Ok(found)
    }
}

impl Writer<'_> {
    /// Writes a passage's embedding, in place of the one it had: for publishing, and for repairing a damaged row.
    pub fn put_embedding(&self, document: DocumentId, passage: PassageId, embedding: &[f32]) -> Result<()> {
        let numbers: Vec<u8> = quantize(embedding)?.into_iter().map(|n| n as u8).collect();
        let sql = "INSERT INTO vector(passage, numbers, checksum) VALUES (?1, ?2, ?3)
            ON CONFLICT (passage) DO UPDATE SET numbers = excluded.numbers, checksum = excluded.checksum";
        let sum = checksum(passage, &numbers);
        self.db.prepare_cached(sql)?.execute((passage.0, numbers, sum))?;
        self.touch(document);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_sees_every_bit_and_the_row() {
        let numbers: Vec<u8> = (0..37).map(|i| i * 7).collect();
        let sum = checksum(PassageId(5), &numbers);
        for byte in 0..numbers.len() {
            for bit in 0..8 {
                let mut other = numbers.clone();
                other[byte] ^= 1 << bit;
                assert_ne!(checksum(PassageId(5), &other), sum);
            }
        }
        assert_ne!(checksum(PassageId(6), &numbers), sum);
        assert_ne!(checksum(PassageId(5), &numbers[..36]), sum);
    }

    #[test]
    fn quantizing_keeps_the_direction() {
        let vector: Vec<f32> = (0..384).map(|i| ((i * 37 % 101) as f32 - 50.0) * 3.0).collect();
        let numbers = quantize(&vector).unwrap();
        let dot: f32 = vector.iter().zip(&numbers).map(|(a, b)| a * f32::from(*b)).sum();
        let length = |v: &mut dyn Iterator<Item = f32>| v.map(|x| x * x).sum::<f32>().sqrt();
        let cosine = dot / length(&mut vector.iter().copied()) / length(&mut numbers.iter().map(|n| f32::from(*n)));
        assert!(cosine > 0.999, "{cosine}");
        assert!(quantize(&[f32::NAN]).is_err());
        assert!(quantize(&[]).is_err());
        assert_eq!(quantize(&[0.0; 4]).unwrap(), [0; 4]);
    }
}
