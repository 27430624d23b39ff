//! Names of KV pages, by which a store outside the engine finds them again: each depends on all tokens up to the end of
//! its page, so that a page is only ever put where it belongs.

use crate::kernel::PAGE;
use sha2::{Digest, Sha256};

/// A page's name. What else the numbers depend on (the weights) is for the store to add.
pub type PageKey = [u8; 32];

/// Returns the names of the full pages of `tokens`, in order. `kernel` is the kernel set, whose rounding they carry.
pub(super) fn keys(kernel: &str, tokens: &[u32]) -> Vec<PageKey> {
    let mut last: PageKey = Sha256::digest(format!("hearth kv page 1, {kernel}")).into();
    let pages = tokens.chunks_exact(PAGE);
    pages
        .map(|page| {
            let mut hash = Sha256::new_with_prefix(last);
            page.iter().for_each(|token| hash.update(token.to_le_bytes()));
            last = hash.finalize().into();
            last
        })
        .collect()
}

/// Returns a page's numbers as bytes.
pub(super) fn to_bytes(page: &[u16]) -> Vec<u8> {
    page.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Returns the numbers of a page that was kept as bytes.
pub(super) fn from_bytes(bytes: &[u8]) -> impl ExactSizeIterator<Item = u16> {
    bytes.as_chunks().0.iter().map(|x| u16::from_le_bytes(*x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_depends_on_everything_before() {
        let tokens: Vec<u32> = (0..300).collect();
        let names = keys("avx2", &tokens);
        assert_eq!(names.len(), 2);
        assert_eq!(names[..1], keys("avx2", &tokens[..200])[..]);
        let mut other = tokens.clone();
        other[0] = 7;
        assert!(keys("avx2", &other).iter().zip(&names).all(|(a, b)| a != b));
        assert_ne!(keys("plain", &tokens), names);
        assert!(from_bytes(&to_bytes(&[1, 0x1234, u16::MAX])).eq([1, 0x1234, u16::MAX]));
    }
}
