//! Reads safetensors files tensor by tensor. The file is hostile input: its header is limited and every place is
//! checked against the file's length before it is read.
//!
//! Format: <https://huggingface.co/docs/safetensors>.

use crate::error::Error;
use crate::quant::Type;
use serde::Deserialize;
use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};

const MAX_HEADER_BYTES: u64 = 8 << 20;

/// What stands before the names of an encoder's tensors in files of models that have more than it.
const BODIES: [&str; 4] = ["bert.", "roberta.", "nomic_bert.", "model."];

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Tensor { dtype: String, shape: Vec<usize>, data_offsets: [u64; 2] },
    Other(serde::de::IgnoredAny),
}

/// A file and the places of its tensors.
pub struct Tensors<R> {
    file: R,
    entries: HashMap<String, (String, Vec<usize>, u64, u64)>,
}

fn damaged(why: impl Into<String>) -> Error {
    Error::Damaged(why.into())
}

impl<R: Read + Seek + Send> Tensors<R> {
    /// Reads and checks the header.
    pub fn read(mut file: R) -> Result<Self, Error> {
        let io = || Error::io("the weights");
        let file_bytes = file.seek(SeekFrom::End(0)).map_err(io())?;
        file.seek(SeekFrom::Start(0)).map_err(io())?;
        let mut len = [0; 8];
        file.read_exact(&mut len).map_err(|_| damaged("the weights are cut off"))?;
        let len = u64::from_le_bytes(len);
        if len > MAX_HEADER_BYTES || len.checked_add(8).is_none_or(|e| e > file_bytes) {
            return Err(damaged("the header of the weights is too long"));
        }
        let mut header = vec![0; len as usize];
        file.read_exact(&mut header).map_err(|_| damaged("the weights are cut off"))?;
        let parsed: HashMap<String, Entry> =
            serde_json::from_slice(&header).map_err(|e| damaged(format!("the header of the weights: {e}")))?;
        let mut entries = HashMap::new();
        for (name, entry) in parsed {
            let Entry::Tensor { dtype, shape, data_offsets: [from, to] } = entry else { continue };
            let place = |x: u64| x.checked_add(8 + len).filter(|x| *x <= file_bytes);
            let (Some(from), Some(to)) = (place(from), place(to)) else {
                return Err(damaged(format!("tensor {name} lies beyond the end of the file")));
            };
            let inner = BODIES.iter().find_map(|body| name.strip_prefix(body)).map(str::to_owned);
            let name = inner.unwrap_or(name);
            entries.insert(name, (dtype, shape, from, to));
        }
        Ok(Self { file, entries })
    }

    /// Reads a tensor of this shape as f32.
    pub fn get(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let (dtype, have, from, to) =
            self.entries.get(name).ok_or_else(|| damaged(format!("tensor {name} is missing")))?;
        if have != shape {
            return Err(damaged(format!("tensor {name} is {have:?} and should be {shape:?}")));
        }
        let ty = match dtype.as_str() {
            "F32" => Type::F32,
            "F16" => Type::F16,
            "BF16" => Type::BF16,
            other => return Err(Error::Unsupported(format!("number format {other} of tensor {name}"))),
        };
        let n = shape.iter().try_fold(1usize, |a, d| a.checked_mul(*d));
        let n = n.filter(|n| ty.bytes(*n).is_some_and(|b| Some(b as u64) == to.checked_sub(*from)));
        let n = n.ok_or_else(|| damaged(format!("tensor {name} has the wrong length")))?;
        self.file.seek(SeekFrom::Start(*from)).map_err(Error::io("the weights"))?;
        let mut bytes = vec![0; (to - from) as usize];
        self.file.read_exact(&mut bytes).map_err(Error::io("the weights"))?;
        let mut out = vec![0.0; n];
        ty.widen(&bytes, &mut out)?;
        Ok(out)
    }

    /// Whether there is a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn file(header: &str, data: &[u8]) -> Cursor<Vec<u8>> {
        Cursor::new([&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat())
    }

    #[test]
    fn reads_what_is_there_and_refuses_lies() {
        let good = r#"{"__metadata__":{"a":"b"},"bert.x":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#;
        let mut t = Tensors::read(file(good, &[0, 0, 128, 63, 0, 0, 0, 64])).unwrap();
        assert_eq!(t.get("x", &[1, 2]).unwrap(), [1.0, 2.0]);
        assert!(t.get("x", &[2, 1]).is_err() && t.get("y", &[1]).is_err());
        assert!(Tensors::read(file(good, &[0; 7])).is_err());
        let lying = r#"{"x":{"dtype":"F32","shape":[3],"data_offsets":[8,0]}}"#;
        assert!(Tensors::read(file(lying, &[0; 8])).unwrap().get("x", &[3]).is_err());
        assert!(Tensors::read(Cursor::new(u64::MAX.to_le_bytes().to_vec())).is_err());
        assert!(Tensors::read(file("[[[[[[", &[])).is_err());
    }
}
