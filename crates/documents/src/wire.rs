//! The words between the kernel and the reader process: frames over a pair of pipes.
//!
//! A frame is a length (u32, little endian) and that many bytes: a header's length (u32), the header as JSON, and the
//! bytes that JSON would carry badly (files, pictures), one after the other in the order the header names them.
//! Every frame is sent to a process that is trusted with nothing, so lengths are believed only as bytes arrive.

use crate::{ReadError, ReadOptions, Rendered, Scan, read as read_file, render, scan};
use hearth_domain::Document;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};
use std::ops::ControlFlow;

/// Largest frame.
pub const MAX_FRAME_BYTES: u32 = 1 << 30;

/// What the kernel asks of the reader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Read a file into a document.
    Read {
        /// Named in every reply.
        id: u64,
        /// The file's name, without folders.
        name: String,
        /// The file.
        #[serde(skip)]
        bytes: Vec<u8>,
        /// Opens a protected file.
        password: Option<String>,
    },
    /// Draw pages of a PDF or picture for text recognition.
    Scan {
        /// Named in every reply.
        id: u64,
        /// The file.
        #[serde(skip)]
        bytes: Vec<u8>,
        /// Opens a protected file.
        password: Option<String>,
        /// From 0, in order.
        pages: Vec<u32>,
    },
    /// Draw one page of a PDF or picture.
    Render {
        /// Named in every reply.
        id: u64,
        /// The file.
        #[serde(skip)]
        bytes: Vec<u8>,
        /// Opens a protected file.
        password: Option<String>,
        /// From 0.
        page: u32,
        /// Width of the picture in pixels.
        width_px: u32,
    },
}

/// What the reader answers. Any number of `Progress` and `Scanned`, then exactly one of the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// How far reading is.
    Progress {
        /// The request's.
        id: u64,
        /// Steps done.
        done: u32,
        /// Steps in all.
        total: u32,
    },
    /// A page drawn for text recognition.
    Scanned {
        /// The request's.
        id: u64,
        /// Index of the page.
        page: u32,
        /// Width in pixels.
        width_px: u32,
        /// Height in pixels.
        height_px: u32,
        /// One byte for each pixel, row by row.
        #[serde(skip)]
        grey: Vec<u8>,
    },
    /// There is no more.
    Ended {
        /// The request's.
        id: u64,
    },
    /// The document.
    Document {
        /// The request's.
        id: u64,
        /// What was read.
        document: Document,
    },
    /// The picture.
    Rendered {
        /// The request's.
        id: u64,
        /// Width in pixels.
        width_px: u32,
        /// Height in pixels.
        height_px: u32,
        /// The picture.
        #[serde(skip)]
        png: Vec<u8>,
    },
    /// Why there is neither.
    Failed {
        /// The request's.
        id: u64,
        /// The reason.
        error: ReadError,
    },
}

/// A message whose large byte strings travel outside its JSON.
pub trait Message: Serialize + DeserializeOwned {
    /// The byte strings, in a fixed order.
    fn blobs(&mut self) -> Vec<&mut Vec<u8>>;
}

impl Message for Request {
    fn blobs(&mut self) -> Vec<&mut Vec<u8>> {
        match self {
            Request::Read { bytes, .. } | Request::Render { bytes, .. } | Request::Scan { bytes, .. } => vec![bytes],
        }
    }
}

impl Message for Reply {
    fn blobs(&mut self) -> Vec<&mut Vec<u8>> {
        match self {
            Reply::Rendered { png, .. } => vec![png],
            Reply::Scanned { grey, .. } => vec![grey],
            Reply::Document { document, .. } => document.attachments.iter_mut().map(|file| &mut file.bytes).collect(),
            Reply::Progress { .. } | Reply::Ended { .. } | Reply::Failed { .. } => Vec::new(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Header<M> {
    message: M,
    /// Lengths of the byte strings that follow.
    blobs: Vec<u32>,
}

fn invalid(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Writes one message as a frame and flushes. Fails with `InvalidData` where it is larger than a frame may be.
pub fn write<M: Message>(output: &mut impl Write, mut message: M) -> io::Result<()> {
    let blobs: Vec<Vec<u8>> = message.blobs().into_iter().map(std::mem::take).collect();
    let length = |bytes: usize| u32::try_from(bytes).map_err(|_| invalid("a message larger than a frame"));
    let lengths = blobs.iter().map(|blob| length(blob.len())).collect::<io::Result<Vec<u32>>>()?;
    let header = serde_json::to_vec(&Header { message, blobs: lengths }).map_err(invalid)?;
    let total = length(4 + header.len() + blobs.iter().map(Vec::len).sum::<usize>())?;
    if total > MAX_FRAME_BYTES {
        return Err(invalid("a message larger than a frame"));
    }
    output.write_all(&total.to_le_bytes())?;
    output.write_all(&length(header.len())?.to_le_bytes())?;
    output.write_all(&header)?;
    for blob in blobs {
        output.write_all(&blob)?;
    }
    output.flush()
}

/// Reads one message; `None` where the other side has closed. Memory grows only with the bytes that arrive.
pub fn read<M: Message>(input: &mut impl Read) -> io::Result<Option<M>> {
    let Some(total) = length(input)? else { return Ok(None) };
    if total > MAX_FRAME_BYTES {
        return Err(invalid("a frame larger than allowed"));
    }
    let mut frame = Vec::new();
    input.take(u64::from(total)).read_to_end(&mut frame)?;
    if frame.len() != total as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut rest = frame.as_slice();
    let header_len = length(&mut rest)?.ok_or_else(|| invalid("an empty frame"))? as usize;
    let header = rest.get(..header_len).ok_or_else(|| invalid("a header longer than its frame"))?;
    let mut body = rest.get(header_len..).unwrap_or_default();
    let Header { mut message, blobs } = serde_json::from_slice::<Header<M>>(header).map_err(invalid)?;
    let mut places = message.blobs();
    if places.len() != blobs.len() {
        return Err(invalid("a frame with the wrong number of parts"));
    }
    for (place, length) in places.iter_mut().zip(blobs) {
        let (blob, after) = body.split_at_checked(length as usize).ok_or_else(|| invalid("a part beyond its frame"))?;
        **place = blob.to_vec();
        body = after;
    }
    Ok(Some(message))
}

/// A length; `None` where there are no more bytes at all.
fn length(input: &mut impl Read) -> io::Result<Option<u32>> {
    let mut bytes = [0u8; 4];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..)
        && !rest.is_empty()
    {
        match input.read(rest) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(u32::from_le_bytes(bytes)))
}

/// The reader process's loop: answers requests in order until `input` ends. A failure to write progress, which means
/// that nobody listens any more, stops the reading at hand.
pub fn serve(input: impl Read, output: impl Write) -> io::Result<()> {
    let (mut input, mut output) = (input, output);
    while let Some(request) = read::<Request>(&mut input)? {
        let reply = answer(request, &mut output);
        let id = match &reply {
            Reply::Progress { id, .. }
            | Reply::Document { id, .. }
            | Reply::Rendered { id, .. }
            | Reply::Scanned { id, .. }
            | Reply::Ended { id }
            | Reply::Failed { id, .. } => *id,
        };
        match write(&mut output, reply) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let error = ReadError::TooLarge { limit_bytes: u64::from(MAX_FRAME_BYTES) };
                write(&mut output, Reply::Failed { id, error })?;
            }
            outcome => outcome?,
        }
    }
    Ok(())
}

fn answer(request: Request, output: &mut impl Write) -> Reply {
    match request {
        Request::Read { id, name, bytes, password } => {
            let options = ReadOptions { password, ..ReadOptions::default() };
            let mut told = 0;
            let outcome = read_file(&name, &bytes, &options, &mut |done, total| {
                // A hundred words of progress are enough for any file.
                let percent = u64::from(done) * 100 / u64::from(total.max(1));
                if done == 0 || percent > told {
                    told = percent;
                    if write(output, Reply::Progress { id, done, total }).is_err() {
                        return ControlFlow::Break(());
                    }
                }
                ControlFlow::Continue(())
            });
            match outcome {
                Ok(document) => Reply::Document { id, document },
                Err(error) => Reply::Failed { id, error },
            }
        }
        Request::Scan { id, bytes, password, pages } => {
            let outcome =
                scan(&bytes, password.as_deref(), &pages, &mut |Scan { page, width_px, height_px, grey }| match write(
                    output,
                    Reply::Scanned { id, page, width_px, height_px, grey },
                ) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                });
            match outcome {
                Ok(()) => Reply::Ended { id },
                Err(error) => Reply::Failed { id, error },
            }
        }
        Request::Render { id, bytes, password, page, width_px } => {
            match render(&bytes, password.as_deref(), page, width_px) {
                Ok(Rendered { width_px, height_px, png }) => Reply::Rendered { id, width_px, height_px, png },
                Err(error) => Reply::Failed { id, error },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request::Read { id: 7, name: "a.txt".into(), bytes: b"Hello there.\0\xff".to_vec(), password: None }
    }

    #[test]
    fn a_message_comes_back_as_it_went() {
        let mut pipe = Vec::new();
        write(&mut pipe, request()).unwrap();
        let mut input = pipe.as_slice();
        assert_eq!(read::<Request>(&mut input).unwrap(), Some(request()));
        assert_eq!(read::<Request>(&mut input).unwrap(), None);
    }

    #[test]
    fn lengths_that_lie_are_errors() {
        let mut pipe = Vec::new();
        write(&mut pipe, request()).unwrap();
        for (at, value) in [(0, u32::MAX), (0, 900 << 20), (4, 900), (4, u32::MAX)] {
            let mut broken = pipe.clone();
            broken[at..at + 4].copy_from_slice(&value.to_le_bytes());
            assert!(read::<Request>(&mut broken.as_slice()).is_err());
        }
        for cut in 1..pipe.len() {
            assert!(read::<Request>(&mut &pipe[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn the_loop_answers_each_request() {
        let mut input = Vec::new();
        write(
            &mut input,
            Request::Read { id: 1, name: "a.txt".into(), bytes: b"Hello there.".to_vec(), password: None },
        )
        .unwrap();
        write(&mut input, Request::Read { id: 2, name: "b.pdf".into(), bytes: Vec::new(), password: None }).unwrap();
        write(&mut input, Request::Render { id: 3, bytes: b"no".to_vec(), password: None, page: 0, width_px: 10 })
            .unwrap();
        let mut output = Vec::new();
        serve(input.as_slice(), &mut output).unwrap();
        let mut replies = Vec::new();
        let mut output = output.as_slice();
        while let Some(reply) = read::<Reply>(&mut output).unwrap() {
            if !matches!(reply, Reply::Progress { .. }) {
                replies.push(reply);
            }
        }
        assert!(matches!(&replies[0], Reply::Document { id: 1, document } if document.pages[0].text == "Hello there."));
        assert_eq!(replies[1], Reply::Failed { id: 2, error: ReadError::Empty });
        assert!(matches!(&replies[2], Reply::Failed { id: 3, error: ReadError::Damaged { .. } }));
        assert_eq!(replies.len(), 3);
    }
}
