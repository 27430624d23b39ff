//! Reads the header of a GGUF file: metadata and the places of the tensors. The file is hostile input: every count,
//! length and offset is checked against the file's length and against a memory budget before anything is allocated.
//! It does not know what the metadata means (`config`) nor what the numbers are (`quant`).
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>, versions 2 and 3, little-endian.

use crate::error::Error;
use crate::quant::Type;
use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};

/// Bytes that the parsed header may occupy, strings and their bookkeeping included.
const HEADER_BUDGET_BYTES: u64 = 48 << 20;
/// What one string or entry costs beside its own bytes.
const ENTRY_BYTES: u64 = 40;
const MAX_DIMS: u32 = 4;

/// One metadata value. Integers are widened; numbers in arrays are kept in the narrowest list that holds them.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Any signed or unsigned integer.
    Int(i64),
    /// An f32 or f64.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A string; bytes that are not UTF-8 are replaced.
    Text(String),
    /// A list of integers or booleans.
    Ints(Vec<i32>),
    /// A list of floats.
    Floats(Vec<f32>),
    /// A list of strings.
    Texts(Vec<String>),
}

/// Where one tensor lies.
#[derive(Debug, Clone)]
pub struct TensorInfo {
    /// Shape as GGUF has it: the innermost (contiguous) dimension first.
    pub dims: Vec<usize>,
    /// The quantization.
    pub ty: Type,
    /// Byte offset from the start of the file.
    pub offset: u64,
    /// Length in bytes.
    pub bytes: usize,
}

impl TensorInfo {
    /// Returns the contiguous dimension, the number of inputs of a matrix.
    pub fn cols(&self) -> usize {
        self.dims.first().copied().unwrap_or(1)
    }

    /// Returns the product of all other dimensions, the number of outputs of a matrix.
    pub fn rows(&self) -> usize {
        self.dims.iter().skip(1).product()
    }
}

/// A checked header.
#[derive(Debug)]
pub struct Header {
    /// Metadata by key.
    pub metadata: HashMap<String, Value>,
    /// Tensors by name.
    pub tensors: HashMap<String, TensorInfo>,
    /// Length of the whole file in bytes.
    pub file_bytes: u64,
}

impl Header {
    /// Returns an integer that is not negative, if the key holds one.
    pub fn int(&self, key: &str) -> Option<u64> {
        match self.metadata.get(key)? {
            Value::Int(v) => u64::try_from(*v).ok(),
            Value::Bool(b) => Some(u64::from(*b)),
            _ => None,
        }
    }

    /// Returns a number.
    pub fn float(&self, key: &str) -> Option<f64> {
        match self.metadata.get(key)? {
            Value::Float(v) => Some(*v),
            Value::Int(v) => Some(*v as f64),
            _ => None,
        }
    }

    /// Returns a boolean.
    pub fn bool(&self, key: &str) -> Option<bool> {
        match self.metadata.get(key)? {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// Returns a string.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key)? {
            Value::Text(s) => Some(s),
            _ => None,
        }
    }

    /// Returns a list of strings.
    pub fn texts(&self, key: &str) -> Option<&[String]> {
        match self.metadata.get(key)? {
            Value::Texts(s) => Some(s),
            _ => None,
        }
    }

    /// Returns a list of integers.
    pub fn ints(&self, key: &str) -> Option<&[i32]> {
        match self.metadata.get(key)? {
            Value::Ints(s) => Some(s),
            _ => None,
        }
    }
}

fn damaged(why: impl Into<String>) -> Error {
    Error::Damaged(why.into())
}

/// A reader that knows how much of the file is left and how much memory may still be spent.
struct Cursor<R> {
    inner: R,
    left: u64,
    budget: u64,
}

impl<R: Read> Cursor<R> {
    fn exact<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.left = self.left.checked_sub(N as u64).ok_or_else(|| damaged("the header is cut off"))?;
        let mut b = [0; N];
        self.inner.read_exact(&mut b).map_err(|_| damaged("the header is cut off"))?;
        Ok(b)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.exact()?))
    }

    fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.exact()?))
    }

    fn spend(&mut self, bytes: u64) -> Result<(), Error> {
        self.budget =
            self.budget.checked_sub(bytes).ok_or_else(|| damaged("the header is larger than any real one"))?;
        Ok(())
    }

    /// Reads a count of things that take at least `each` bytes in the file.
    fn count(&mut self, each: u64, what: &str) -> Result<usize, Error> {
        let n = self.u64()?;
        if n.checked_mul(each).is_none_or(|b| b > self.left) {
            return Err(damaged(format!("{n} {what} do not fit into the file")));
        }
        usize::try_from(n).map_err(|_| damaged("a count is too large"))
    }

    fn text(&mut self) -> Result<String, Error> {
        let n = self.count(1, "bytes of text")?;
        self.spend(n as u64 + ENTRY_BYTES)?;
        let mut b = vec![0; n];
        self.inner.read_exact(&mut b).map_err(|_| damaged("the header is cut off"))?;
        self.left -= n as u64;
        Ok(match String::from_utf8(b) {
            Ok(s) => s,
            Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
        })
    }

    fn scalar(&mut self, ty: u32) -> Result<Value, Error> {
        Ok(match ty {
            0 => Value::Int(i64::from(u8::from_le_bytes(self.exact()?))),
            1 => Value::Int(i64::from(i8::from_le_bytes(self.exact()?))),
            2 => Value::Int(i64::from(u16::from_le_bytes(self.exact()?))),
            3 => Value::Int(i64::from(i16::from_le_bytes(self.exact()?))),
            4 => Value::Int(i64::from(u32::from_le_bytes(self.exact()?))),
            5 => Value::Int(i64::from(i32::from_le_bytes(self.exact()?))),
            6 => Value::Float(f64::from(f32::from_le_bytes(self.exact()?))),
            7 => Value::Bool(self.exact::<1>()?[0] != 0),
            8 => Value::Text(self.text()?),
            10 => Value::Int(i64::try_from(self.u64()?).unwrap_or(i64::MAX)),
            11 => Value::Int(i64::from_le_bytes(self.exact()?)),
            12 => Value::Float(f64::from_le_bytes(self.exact()?)),
            _ => return Err(damaged(format!("unknown metadata type {ty}"))),
        })
    }

    fn value(&mut self) -> Result<Value, Error> {
        let ty = self.u32()?;
        if ty != 9 {
            return self.scalar(ty);
        }
        let item = self.u32()?;
        let width = match item {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            _ => return Err(damaged(format!("unknown list type {item}"))),
        };
        let n = self.count(width, "list items")?;
        match item {
            8 => {
                let mut v = Vec::new();
                for _ in 0..n {
                    v.push(self.text()?);
                }
                Ok(Value::Texts(v))
            }
            6 | 12 => {
                self.spend(n as u64 * 4)?;
                let mut v = Vec::with_capacity(n);
                for _ in 0..n {
                    if let Value::Float(x) = self.scalar(item)? {
                        v.push(x as f32);
                    }
                }
                Ok(Value::Floats(v))
            }
            _ => {
                self.spend(n as u64 * 4)?;
                let mut v = Vec::with_capacity(n);
                for _ in 0..n {
                    v.push(match self.scalar(item)? {
                        Value::Int(x) => i32::try_from(x).unwrap_or(i32::MAX),
                        Value::Bool(b) => i32::from(b),
                        _ => 0,
                    });
                }
                Ok(Value::Ints(v))
            }
        }
    }
}

/// Reads and checks the header of a GGUF file. The reader may be unbuffered; it is left anywhere.
///
/// # Errors
/// `Damaged` for anything that is cut off, overlong or out of range; `Unsupported` for other versions and
/// for quantizations that have no name here. It returns within milliseconds and under 64 MB whatever the bytes are.
pub fn read<R: Read + Seek>(mut file: R) -> Result<Header, Error> {
    let file_bytes = file.seek(SeekFrom::End(0)).map_err(Error::io("the model file"))?;
    file.seek(SeekFrom::Start(0)).map_err(Error::io("the model file"))?;
    let mut c = Cursor {
        inner: std::io::BufReader::with_capacity(1 << 16, file),
        left: file_bytes,
        budget: HEADER_BUDGET_BYTES,
    };
    if &c.exact::<4>()? != b"GGUF" {
        return Err(damaged("this is not a GGUF file"));
    }
    let version = c.u32()?;
    if !(2..=3).contains(&version) {
        return Err(Error::Unsupported(format!("GGUF version {version}")));
    }
    let n_tensors = c.count(24, "tensors")?;
    let n_values = c.count(13, "metadata values")?;
    let mut metadata = HashMap::new();
    for _ in 0..n_values {
        c.spend(2 * ENTRY_BYTES)?;
        let key = c.text()?;
        let value = c.value()?;
        metadata.insert(key, value);
    }
    let mut places = Vec::new();
    for _ in 0..n_tensors {
        c.spend(3 * ENTRY_BYTES)?;
        places.push(place(&mut c)?);
    }
    let alignment = match metadata.get("general.alignment") {
        None => 32,
        Some(Value::Int(a)) if *a > 0 && *a <= 1 << 20 && (*a as u64).is_power_of_two() => *a as u64,
        Some(_) => return Err(damaged("the alignment is no power of two")),
    };
    let start = (file_bytes - c.left).next_multiple_of(alignment);
    let mut tensors = HashMap::new();
    for (name, dims, ty, offset) in places {
        let elements = dims.iter().try_fold(1usize, |a, d| a.checked_mul(*d));
        let bytes = elements.and_then(|e| ty.bytes(e));
        let bytes = bytes.ok_or_else(|| damaged(format!("tensor {name} has an impossible size")))?;
        let cols = dims.first().copied().unwrap_or(1);
        if cols % ty.block_len() != 0 {
            return Err(damaged(format!("rows of tensor {name} are no whole number of {} blocks", ty.name())));
        }
        let offset = start.checked_add(offset).filter(|o| o.checked_add(bytes as u64).is_some_and(|e| e <= file_bytes));
        let offset = offset.ok_or_else(|| damaged(format!("tensor {name} lies beyond the end of the file")))?;
        if tensors.insert(name.clone(), TensorInfo { dims, ty, offset, bytes }).is_some() {
            return Err(damaged(format!("tensor {name} is there twice")));
        }
    }
    Ok(Header { metadata, tensors, file_bytes })
}

fn place<R: Read>(c: &mut Cursor<R>) -> Result<(String, Vec<usize>, Type, u64), Error> {
    let name = c.text()?;
    let n = c.u32()?;
    if n > MAX_DIMS {
        return Err(damaged(format!("tensor {name} has {n} dimensions")));
    }
    let mut dims = Vec::with_capacity(n as usize);
    for _ in 0..n {
        let d = usize::try_from(c.u64()?).map_err(|_| damaged("a dimension is too large"))?;
        if d == 0 {
            return Err(damaged(format!("tensor {name} is empty")));
        }
        dims.push(d);
    }
    let ty = Type::from_id(c.u32()?)?;
    Ok((name, dims, ty, c.u64()?))
}

/// Goes to where the bytes of a tensor begin.
pub fn seek<R: Seek>(file: &mut R, info: &TensorInfo) -> Result<(), Error> {
    file.seek(SeekFrom::Start(info.offset)).map(|_| ()).map_err(Error::io("the model file"))
}

/// Reads the bytes of one tensor.
pub fn tensor<R: Read + Seek>(file: &mut R, info: &TensorInfo) -> Result<Vec<u8>, Error> {
    seek(file, info)?;
    let mut bytes = vec![0; info.bytes];
    file.read_exact(&mut bytes).map_err(Error::io("the model file"))?;
    Ok(bytes)
}
