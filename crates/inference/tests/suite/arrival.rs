//! Weights that arrive after a model counts as loaded.

use crate::tiny;
use hearth_inference::accelerated::place::Found;
use hearth_inference::arrival::{Arrival, Source};
use hearth_inference::backend::Backend;
use hearth_inference::error::Error;
use hearth_inference::forward::{Compute, Part};
use hearth_inference::gguf::{self, Header};
use hearth_inference::quant::Type;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

/// A file on a drive that is pulled out after so many bytes, or that lets itself be waited for.
struct Drive {
    file: Cursor<Vec<u8>>,
    left: usize,
    waits: Option<Receiver<()>>,
}

impl Read for Drive {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(signal) = self.waits.take() {
            let _ = signal.recv();
        }
        let n = self.file.read(buffer)?;
        self.left = self.left.checked_sub(n).ok_or_else(|| io::Error::other("the drive is gone"))?;
        Ok(n)
    }
}

impl Seek for Drive {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

fn model() -> (Vec<u8>, Arc<Header>) {
    let file = tiny::model("llama", Type::Q4_1, 21);
    let header = gguf::read(Cursor::new(&file)).unwrap();
    (file, Arc::new(header))
}

fn logits(behind: Option<Box<dyn Source>>) -> Result<Vec<f32>, [Error; 2]> {
    let (file, header) = model();
    let found = Found::nothing("a test");
    let mut b = Backend::load(&mut Cursor::new(&file), behind, &header, 2, None, 1 << 24, &found).unwrap();
    assert!(b.bytes > 0);
    let mut state = b.state();
    let mut pass = || b.pass(&mut [Part { state: &mut state, tokens: &[1, 2, 3], want: 1 }], &|| false);
    if let Err(first) = pass() {
        return Err([first, pass().unwrap_err()]);
    }
    Ok(b.logits_of(0).to_vec())
}

#[test]
fn weights_that_arrive_later_are_the_same() {
    let file = Cursor::new(model().0);
    let later = logits(Some(Box::new(Drive { file, left: usize::MAX, waits: None }))).unwrap();
    assert_eq!(later, logits(None).unwrap());
}

#[test]
fn a_drive_that_is_pulled_out_is_an_error_each_time() {
    for left in [0, 5_000] {
        let file = Cursor::new(model().0);
        let errors = logits(Some(Box::new(Drive { file, left, waits: None }))).unwrap_err();
        for e in errors {
            assert!(matches!(e, Error::Io { .. }) && e.to_string().contains("the drive is gone"), "{e}");
        }
    }
}

#[test]
fn who_waits_may_give_up_and_come_back() {
    let (file, header) = model();
    let (go, waits) = channel();
    let drive = Drive { file: Cursor::new(file), left: usize::MAX, waits: Some(waits) };
    let mut arrival = Arrival::begin(Box::new(drive), header, Compute::new(2), 64).unwrap();
    assert!(matches!(arrival.wait(&|| true), Err(Error::Cancelled)));
    go.send(()).unwrap();
    assert!(arrival.wait(&|| false).is_ok());
    // Nobody waits for this one: the thread ends with it.
    let (file, header) = model();
    let drive = Drive { file: Cursor::new(file), left: usize::MAX, waits: None };
    drop(Arrival::begin(Box::new(drive), header, Compute::new(2), 64).unwrap());
}
