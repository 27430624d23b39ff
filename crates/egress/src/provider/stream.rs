//! Server-sent events (the event stream format of the HTML standard): bytes in, the data of whole events out. What has no
//! end is refused: lines and events have a longest length.

use super::Trouble;

/// The longest line, and the longest event, that is read: bytes.
const LONGEST: usize = 1 << 20;

/// Takes a stream apart.
#[derive(Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: String,
    any: bool,
    /// The last byte was a carriage return, so that a line feed behind it belongs to it.
    returned: bool,
}

impl Events {
    /// Takes more bytes and gives the data of the events that they complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, Trouble> {
        let mut events = Vec::new();
        for byte in bytes {
            let after_return = std::mem::replace(&mut self.returned, *byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => events.extend(self.line()?),
                other if self.line.len() < LONGEST => self.line.push(*other),
                _ => return Err(Trouble::Garbage("a line of the stream has no end".to_owned())),
            }
        }
        Ok(events)
    }

    /// Ends the stream: an event without its empty line counts, for some servers leave the last one out.
    pub(super) fn end(mut self) -> Result<Option<String>, Trouble> {
        let last = self.line()?;
        Ok(last.or_else(|| self.any.then_some(self.data)))
    }

    fn line(&mut self) -> Result<Option<String>, Trouble> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return Ok(std::mem::take(&mut self.any).then_some(data));
        }
        let line = String::from_utf8(line).map_err(|_| Trouble::Garbage("the stream is not text".to_owned()))?;
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        if field == "data" {
            if self.data.len() + value.len() > LONGEST {
                return Err(Trouble::Garbage("an event of the stream has no end".to_owned()));
            }
            if self.any {
                self.data.push('\n');
            }
            self.data.push_str(value.strip_prefix(' ').unwrap_or(value));
            self.any = true;
        } else if !matches!(field, "" | "event" | "id" | "retry") {
            return Err(Trouble::Garbage("it is no event stream".to_owned()));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&[u8]], expect: &[&str]) {
        let mut events = Events::default();
        let mut found = Vec::new();
        for piece in pieces {
            found.extend(events.push(piece).expect("events"));
        }
        found.extend(events.end().expect("an end"));
        assert_eq!(found, expect);
    }

    #[test]
    fn events_are_found_wherever_the_bytes_are_cut() {
        check(&[b"data: one\n\ndata: two\n\n"], &["one", "two"]);
        check(&[b"da", b"ta: o", b"ne\r", b"\n\r\nda", b"ta:two\r\r"], &["one", "two"]);
        check(&[b": comment\nevent: ping\nid: 3\ndata: a\ndata: b\n\n"], &["a\nb"]);
        check(&["data: \u{20ac}".as_bytes().split_at(8).0, "data: \u{20ac}".as_bytes().split_at(8).1], &["\u{20ac}"]);
        check(&[b"\n\n\n"], &[]);
        check(&[b"data: last"], &["last"]);
    }

    #[test]
    fn what_is_no_stream_is_refused() {
        assert!(Events::default().push(b"<html>\n").is_err());
        assert!(Events::default().push(b"{\"a\": 1}\n").is_err());
        assert!(Events::default().push(b"data: \xff\xfe\n").is_err());
        assert!(Events::default().push(&vec![b'x'; LONGEST + 1]).is_err());
        let mut many = Events::default();
        let line = [b"data: ".as_slice(), &vec![b'x'; LONGEST / 2], b"\n"].concat();
        assert!(many.push(&line).is_ok());
        assert!((0..3).any(|_| many.push(&line).is_err()));
    }
}
