//! The embeddings in memory: one segment of rows per document that may be found. Never the truth: it is loaded from the
//! table `vector`, and whatever a commit touched is loaded again under the same lock as that commit, so it cannot serve a
//! superseded, removed or purged passage.
//!
//! Rows are int8 as in the table while all of them fit into the budget. Beyond that the signs of their components are held,
//! an eighth of it; what is nearest by signs is compared again by the rows of the table. The cosine that signs tell is the
//! estimate of RaBitQ (Gao and Long 2024, <https://doi.org/10.1145/3654970>) without its rotation:
//! `<s, q> |x| / (|x|_1 |q|)` for a row `x` of signs `s` and a query `q`.

use crate::search::{SearchFilter, VectorHit};
use crate::table::vector::checksum;
use crate::{Result, StoreError};
use hearth_domain::{DocumentId, PassageId, SpaceId};
use rusqlite::Connection;
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// No more than this is held in memory: int8 rows of about 250,000 passages of 384 dimensions, signs of 2,000,000.
const BUDGET_BYTES: u64 = 96 << 20;
/// Components of a row whose signs are looked up at once.
const AT_ONCE: usize = 8;

/// The index in memory, or why there is none.
pub(crate) struct Resident {
    /// The most bytes of rows that are held.
    pub(crate) budget: u64,
    state: State,
}

#[derive(Default)]
enum State {
    /// Not yet asked for, or given up after a failure; the next search may load it.
    #[default]
    Unloaded,
    /// Larger than the budget when last looked at, by signs too.
    TooLarge,
    /// In step with the last commit.
    Loaded(Loaded),
}

impl Default for Resident {
    fn default() -> Self {
        Self { budget: BUDGET_BYTES, state: State::Unloaded }
    }
}

/// What is held of each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Its int8 components.
    Whole,
    /// Their signs, a bit each.
    Signs,
}

impl Form {
    /// Bytes of a row of so many components.
    fn width(self, dims: usize) -> usize {
        match self {
            Self::Whole => dims,
            Self::Signs => dims.div_ceil(AT_ONCE),
        }
    }
}

/// The rows of one document.
struct Segment {
    space: SpaceId,
    kept: bool,
    dims: usize,
    passages: Vec<PassageId>,
    /// What makes a product with each row a cosine: 1 / length, or length / sum of absolute values for signs.
    scales: Vec<f32>,
    /// (passages, width), row-major.
    rows: Vec<u8>,
}

/// Every document that may be found.
pub(crate) struct Loaded {
    form: Form,
    segments: BTreeMap<DocumentId, Segment>,
}

pub(crate) fn lock_read(lock: &RwLock<Resident>) -> RwLockReadGuard<'_, Resident> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn lock_write(lock: &RwLock<Resident>) -> RwLockWriteGuard<'_, Resident> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Resident {
    pub(crate) fn loaded(&self) -> Option<&Loaded> {
        match &self.state {
            State::Loaded(loaded) => Some(loaded),
            State::Unloaded | State::TooLarge => None,
        }
    }

    /// Whether loading may help.
    pub(crate) fn may_load(&self) -> bool {
        matches!(self.state, State::Unloaded)
    }

    /// Forgets all of it.
    pub(crate) fn unload(&mut self) {
        self.state = State::Unloaded;
    }

    /// Reads everything in the fullest form that fits. The caller holds the lock, so no commit can come between.
    pub(crate) fn load(&mut self, db: &Connection) -> Result<()> {
        let (rows, dims): (i64, i64) = db.query_row(
            "SELECT count(*), coalesce((SELECT length(numbers) FROM vector LIMIT 1), 0) FROM vector",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let dims = usize::try_from(dims).unwrap_or(0);
        let fits = |form: &Form| rows.unsigned_abs().saturating_mul(form.width(dims) as u64) <= self.budget;
        self.state = match [Form::Whole, Form::Signs].into_iter().find(fits) {
            None => State::TooLarge,
            Some(form) => {
                let mut loaded = Loaded { form, segments: BTreeMap::new() };
                loaded.read(db, None)?;
                State::Loaded(loaded)
            }
        };
        Ok(())
    }

    /// Reads the documents that a commit touched again. When that fails the index is dropped rather than left behind.
    pub(crate) fn refresh(&mut self, db: &Connection, touched: &BTreeSet<DocumentId>) {
        match &mut self.state {
            State::Unloaded => {}
            State::TooLarge => self.state = State::Unloaded,
            State::Loaded(loaded) => {
                let read = touched.iter().try_for_each(|&document| {
                    loaded.segments.remove(&document);
                    loaded.read(db, Some(document))
                });
                if read.is_err() || loaded.bytes() > self.budget {
                    self.state = State::Unloaded;
                }
            }
        }
    }
}

impl Loaded {
    fn bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.rows.len() as u64).sum()
    }

    /// Whether the cosines of [`Loaded::scan`] are those of the table.
    pub(crate) fn is_exact(&self) -> bool {
        self.form == Form::Whole
    }

    /// Rows of one document, or of all. Rows with a wrong checksum are left out; `check` names them.
    fn read(&mut self, db: &Connection, only: Option<DocumentId>) -> Result<()> {
        let sql = "SELECT d.id, d.space, d.scope = 'kept', p.id, v.numbers, v.checksum
            FROM document d CROSS JOIN passage p INDEXED BY passage_document ON p.document = d.id
                CROSS JOIN vector v ON v.passage = p.id
            WHERE d.removed_ms IS NULL AND (?1 IS NULL OR d.id = ?1) ORDER BY d.id, p.id";
        let mut statement = db.prepare_cached(sql)?;
        let mut rows = statement.query([only.map(|id| id.0)])?;
        while let Some(row) = rows.next()? {
            let passage = PassageId(row.get(3)?);
            let bytes = row.get_ref(4)?.as_blob().map_err(|error| StoreError::Invalid(error.to_string()))?;
            if row.get::<_, i64>(5)? != checksum(passage, bytes) {
                continue;
            }
            let (space, kept) = (SpaceId(row.get(1)?), row.get(2)?);
            let form = self.form;
            let segment = self.segments.entry(DocumentId(row.get(0)?)).or_insert_with(|| Segment {
                space,
                kept,
                dims: bytes.len(),
                passages: Vec::new(),
                scales: Vec::new(),
                rows: Vec::new(),
            });
            if bytes.len() == segment.dims {
                segment.push(form, passage, bytes);
            }
        }
        for (document, segment) in &mut self.segments {
            if only.is_none_or(|only| only == *document) {
                segment.passages.shrink_to_fit();
                segment.scales.shrink_to_fit();
                segment.rows.shrink_to_fit();
            }
        }
        Ok(())
    }

    /// The `k` nearest rows among the segments that the filter admits, best first; equal ones by id.
    pub(crate) fn scan(&self, query: &[i8], filter: &SearchFilter, k: usize) -> Vec<VectorHit> {
        let scale = inverse_length(query.iter().copied());
        match self.form {
            Form::Whole => self.nearest(query.len(), filter, k, |row| dot(query, row) as f32 * scale),
            Form::Signs => {
                let table = signed_sums(query);
                self.nearest(query.len(), filter, k, |row| looked_up(&table, row) as f32 * scale)
            }
        }
    }

    /// The `k` rows of so many components that `product` and their scales put first.
    fn nearest(&self, dims: usize, filter: &SearchFilter, k: usize, product: impl Fn(&[u8]) -> f32) -> Vec<VectorHit> {
        let mut best: BinaryHeap<Reverse<Ranked>> = BinaryHeap::new();
        let mut bar = f32::NEG_INFINITY;
        for (document, segment) in &self.segments {
            if segment.dims != dims || !filter.admits(segment.space, *document, segment.kept) {
                continue;
            }
            let rows = segment.rows.chunks_exact(self.form.width(dims).max(1));
            for ((row, &passage), &row_scale) in rows.zip(&segment.passages).zip(&segment.scales) {
                let cosine = product(row) * row_scale;
                if cosine > bar || best.len() < k {
                    best.push(Reverse(Ranked { cosine, passage }));
                    if best.len() > k {
                        best.pop();
                    }
                    if best.len() == k {
                        bar = best.peek().map_or(bar, |worst| worst.0.cosine);
                    }
                }
            }
        }
        let mut ranked: Vec<Ranked> = best.into_iter().map(|Reverse(ranked)| ranked).collect();
        ranked.sort_by(|a, b| b.cmp(a));
        ranked.into_iter().map(|r| VectorHit { passage: r.passage, cosine: r.cosine }).collect()
    }
}

impl Segment {
    fn push(&mut self, form: Form, passage: PassageId, bytes: &[u8]) {
        self.passages.push(passage);
        match form {
            Form::Whole => {
                self.scales.push(inverse_length_of(bytes));
                self.rows.extend_from_slice(bytes);
            }
            Form::Signs => {
                let all: u32 = bytes.iter().map(|n| u32::from((*n as i8).unsigned_abs())).sum();
                let length = 1.0 / inverse_length_of(bytes);
                self.scales.push(if all == 0 { 0.0 } else { length / all as f32 });
                let bits =
                    |some: &[u8]| some.iter().enumerate().fold(0, |bits, (at, n)| bits | u8::from(*n as i8 >= 0) << at);
                self.rows.extend(bytes.chunks(AT_ONCE).map(bits));
            }
        }
    }
}

/// The nearest rows among those of the table: their cosines, best first; equal ones by id.
pub(crate) fn compare<'a>(query: &[i8], rows: impl Iterator<Item = (PassageId, &'a [u8])>, k: usize) -> Vec<VectorHit> {
    let scale = inverse_length(query.iter().copied());
    let cosine = |row: &[u8]| dot(query, row) as f32 * scale * inverse_length_of(row);
    let mut ranked: Vec<Ranked> = rows.map(|(passage, row)| Ranked { cosine: cosine(row), passage }).collect();
    ranked.sort_by(|a, b| b.cmp(a));
    ranked.truncate(k);
    ranked.into_iter().map(|r| VectorHit { passage: r.passage, cosine: r.cosine }).collect()
}

/// 1 / length of int8 components; 0 where all of them are 0.
fn inverse_length(numbers: impl Iterator<Item = i8>) -> f32 {
    let square: i32 = numbers.map(|n| i32::from(n) * i32::from(n)).sum();
    if square == 0 { 0.0 } else { 1.0 / (square as f32).sqrt() }
}

/// The same of a row as the table has it.
fn inverse_length_of(row: &[u8]) -> f32 {
    inverse_length(row.iter().map(|n| *n as i8))
}

/// By eight components of a query, and by the eight signs that a row may have there: their product.
fn signed_sums(query: &[i8]) -> Vec<[i16; 1 << AT_ONCE]> {
    let sums = |some: &[i8]| {
        std::array::from_fn(|bits| {
            some.iter()
                .enumerate()
                .map(|(at, n)| if bits >> at & 1 == 1 { i16::from(*n) } else { -i16::from(*n) })
                .sum()
        })
    };
    query.chunks(AT_ONCE).map(sums).collect()
}

/// The product of a query and the signs of a row.
fn looked_up(table: &[[i16; 1 << AT_ONCE]], row: &[u8]) -> i32 {
    table.iter().zip(row).map(|(sums, bits)| i32::from(sums[usize::from(*bits)])).sum()
}

/// A row by its cosine; of equal ones the lower id ranks higher.
#[derive(PartialEq)]
struct Ranked {
    cosine: f32,
    passage: PassageId,
}

impl Eq for Ranked {}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.cosine.total_cmp(&other.cosine).then_with(|| other.passage.cmp(&self.passage))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Dot product of a query and a row as the table has it, of equal length; written so that the compiler uses whatever vector
/// unit it may.
fn dot(a: &[i8], b: &[u8]) -> i32 {
    const LANES: usize = 16;
    let (heads_a, tail_a) = a.as_chunks::<LANES>();
    let (heads_b, tail_b) = b.as_chunks::<LANES>();
    let mut sums = [0i32; LANES];
    for (x, y) in heads_a.iter().zip(heads_b) {
        for lane in 0..LANES {
            sums[lane] += i32::from(i16::from(x[lane]) * i16::from(y[lane] as i8));
        }
    }
    let tail: i32 = tail_a.iter().zip(tail_b).map(|(x, y)| i32::from(*x) * i32::from(*y as i8)).sum();
    sums.iter().sum::<i32>() + tail
}
