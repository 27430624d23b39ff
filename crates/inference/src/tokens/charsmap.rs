//! The table by which SentencePiece normalizes characters (`precompiled_charsmap`): a double-array trie of 32-bit units
//! whose values are offsets into a list of replacements that end in zero bytes. It comes from the file and may be
//! hostile: every step is checked.
//!
//! Layout: <https://github.com/google/sentencepiece> (normalizer) and <https://github.com/s-yata/darts-clone>: bits 0 to 7
//! label, bit 8 "a value follows", bit 9 offset scale, bits 10 to 30 offset; a value has bit 31 set.

/// Replacements by prefix.
#[derive(Debug, Default)]
pub struct CharsMap {
    units: Vec<u32>,
    replacements: Vec<u8>,
}

impl CharsMap {
    /// Reads the table; an empty or damaged one replaces nothing.
    pub fn new(blob: &[u8]) -> Self {
        let read = || {
            let (len, rest) = blob.split_first_chunk::<4>()?;
            let (units, replacements) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
            let units = units.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
            Some(Self { units, replacements: replacements.to_vec() })
        };
        read().unwrap_or_default()
    }

    fn offset(unit: u32) -> u32 {
        (unit >> 10) << ((unit & (1 << 9)) >> 6)
    }

    /// Returns how many bytes the longest known beginning of `text` has, and what replaces it.
    pub fn replace(&self, text: &[u8]) -> Option<(usize, &[u8])> {
        let unit = |at: u32| self.units.get(at as usize).copied();
        let mut at = Self::offset(unit(0)?);
        let mut best = None;
        for (i, byte) in text.iter().enumerate() {
            at ^= u32::from(*byte);
            let Some(u) = unit(at).filter(|u| *byte != 0 && u & (1 << 31 | 0xFF) == u32::from(*byte)) else { break };
            at ^= Self::offset(u);
            if u >> 8 & 1 == 1 {
                best = unit(at).map(|value| (i + 1, value & !(1 << 31))).or(best);
            }
        }
        let (len, from) = best?;
        let rest = self.replacements.get(from as usize..)?;
        Some((len, rest.get(..rest.iter().position(|b| *b == 0)?)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_tables_replace_nothing() {
        let mut r = 7u64;
        for n in 0..2000 {
            let blob: Vec<u8> = (0..n % 90)
                .map(|i| {
                    r = r.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    if i < 4 { [40, 0, 0, 0][i] } else { (r >> 40) as u8 }
                })
                .collect();
            let map = CharsMap::new(&blob);
            for text in ["", "a", "ﬁ\0x", "\u{10FFFF}zz"] {
                assert!(map.replace(text.as_bytes()).is_none_or(|(len, _)| len <= text.len()));
            }
        }
        assert!(CharsMap::new(&[255; 40]).replace(b"a").is_none());
    }
}
