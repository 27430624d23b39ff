//! Bytes of successive tokens to whole characters.

/// Puts the bytes of successive tokens together into whole characters.
#[derive(Debug, Default)]
pub struct Utf8Stream {
    pending: Vec<u8>,
}

impl Utf8Stream {
    /// Takes more bytes and returns the characters that are complete; what can no longer become a character is U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut out = String::new();
        loop {
            match std::str::from_utf8(&self.pending) {
                Ok(s) => {
                    out.push_str(s);
                    self.pending.clear();
                    return out;
                }
                Err(e) => {
                    let good = e.valid_up_to();
                    out.push_str(&String::from_utf8_lossy(&self.pending[..good]));
                    match e.error_len() {
                        Some(bad) => {
                            out.push('\u{FFFD}');
                            self.pending.drain(..good + bad);
                        }
                        None => {
                            self.pending.drain(..good);
                            return out;
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_never_cut() {
        let mut s = Utf8Stream::default();
        let text = "a€😀".as_bytes();
        let out: String = text.iter().map(|b| s.push(&[*b])).collect();
        assert_eq!(out, "a€😀");
        assert_eq!(s.push(&[0xE2]) + &s.push(b"x"), "\u{FFFD}x");
    }
}
