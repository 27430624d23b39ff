//! The embeddings in memory: one segment of int8 rows per document that may be found. Never the truth: it is loaded from
//! the table `vector`, and whatever a commit touched is loaded again under the same lock as that commit, so it cannot
//! serve a superseded, removed or purged passage.

use crate::search::{SearchFilter, VectorHit};
use crate::table::vector::checksum;
use crate::{Result, StoreError};
use hearth_domain::{DocumentId, PassageId, SpaceId};
use rusqlite::Connection;
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// More than this is not held in memory (about 250,000 passages of 384 dimensions); then the table is read.
pub(crate) const BUDGET_BYTES: u64 = 96 << 20;

/// Whether the index is in memory.
#[derive(Default)]
pub(crate) enum Resident {
    /// Not yet asked for, or given up after a failure; the next search may load it.
    #[default]
    Unloaded,
    /// Larger than the budget when last looked at.
    TooLarge,
    /// In step with the last commit.
    Loaded(Loaded),
}

/// The rows of one document.
struct Segment {
    space: SpaceId,
    kept: bool,
    dims: usize,
    passages: Vec<PassageId>,
    /// 1 / length of each row.
    scales: Vec<f32>,
    /// (passages, dims), row-major.
    numbers: Vec<i8>,
}

/// Every document that may be found.
#[derive(Default)]
pub(crate) struct Loaded {
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
        match self {
            Self::Loaded(loaded) => Some(loaded),
            Self::Unloaded | Self::TooLarge => None,
        }
    }

    /// Reads everything, when it fits. The caller holds the lock, so no commit can come between.
    pub(crate) fn load(&mut self, db: &Connection) -> Result<()> {
        let bytes: i64 = db.query_row(
            "SELECT count(*) * coalesce((SELECT length(numbers) FROM vector LIMIT 1), 0) FROM vector",
            [],
            |row| row.get(0),
        )?;
        if bytes.unsigned_abs() > BUDGET_BYTES {
            *self = Self::TooLarge;
            return Ok(());
        }
        let mut loaded = Loaded::default();
        loaded.read(db, None)?;
        *self = Self::Loaded(loaded);
        Ok(())
    }

    /// Reads the documents that a commit touched again. When that fails the index is dropped rather than left behind.
    pub(crate) fn refresh(&mut self, db: &Connection, touched: &BTreeSet<DocumentId>) {
        match self {
            Self::Unloaded => {}
            Self::TooLarge => *self = Self::Unloaded,
            Self::Loaded(loaded) => {
                let read = touched.iter().try_for_each(|&document| {
                    loaded.segments.remove(&document);
                    loaded.read(db, Some(document))
                });
                if read.is_err() || loaded.bytes() > BUDGET_BYTES {
                    *self = Self::Unloaded;
                }
            }
        }
    }
}

impl Loaded {
    fn bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.numbers.len() as u64).sum()
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
            let segment = self.segments.entry(DocumentId(row.get(0)?)).or_insert_with(|| Segment {
                space,
                kept,
                dims: bytes.len(),
                passages: Vec::new(),
                scales: Vec::new(),
                numbers: Vec::new(),
            });
            if bytes.len() == segment.dims {
                let square: i32 = bytes.iter().map(|n| i32::from(*n as i8) * i32::from(*n as i8)).sum();
                segment.passages.push(passage);
                segment.scales.push(if square == 0 { 0.0 } else { 1.0 / (square as f32).sqrt() });
                segment.numbers.extend(bytes.iter().map(|n| *n as i8));
            }
        }
        for (document, segment) in &mut self.segments {
            if only.is_none_or(|only| only == *document) {
                segment.passages.shrink_to_fit();
                segment.scales.shrink_to_fit();
                segment.numbers.shrink_to_fit();
            }
        }
        Ok(())
    }

    /// The `k` nearest rows among the segments that the filter admits, best first; equal ones by id.
    pub(crate) fn scan(&self, query: &[i8], filter: &SearchFilter, k: usize) -> Vec<VectorHit> {
        let square: i32 = query.iter().map(|n| i32::from(*n) * i32::from(*n)).sum();
        let scale = if square == 0 { 0.0 } else { 1.0 / (square as f32).sqrt() };
        let mut best: BinaryHeap<Reverse<Ranked>> = BinaryHeap::new();
        let mut bar = f32::NEG_INFINITY;
        for (document, segment) in &self.segments {
            if segment.dims != query.len() || !filter.admits(segment.space, *document, segment.kept) {
                continue;
            }
            let rows = segment.numbers.chunks_exact(segment.dims);
            for ((row, &passage), &row_scale) in rows.zip(&segment.passages).zip(&segment.scales) {
                let cosine = dot(query, row) as f32 * scale * row_scale;
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

/// Dot product of two int8 rows of equal length; written so that the compiler uses whatever vector unit it may.
fn dot(a: &[i8], b: &[i8]) -> i32 {
    const LANES: usize = 16;
    let (heads_a, tail_a) = a.as_chunks::<LANES>();
    let (heads_b, tail_b) = b.as_chunks::<LANES>();
    let mut sums = [0i32; LANES];
    for (x, y) in heads_a.iter().zip(heads_b) {
        for lane in 0..LANES {
            sums[lane] += i32::from(i16::from(x[lane]) * i16::from(y[lane]));
        }
    }
    let tail: i32 = tail_a.iter().zip(tail_b).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum();
    sums.iter().sum::<i32>() + tail
}
