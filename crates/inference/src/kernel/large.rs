//! Memory for weights, keys and values, in large pages where the system gives them: a decoder reads all of it for every
//! token, and with pages of 4 KB looking up addresses costs a third of that and more. Matrices are cut from chunks, so that
//! small ones share pages; a chunk is given back when the last of its matrices is gone.
//!
//! A virtual machine may have lent what is free to the machine below it (free page reporting), and then gets a large page
//! back by five hundred small pieces: 80 MB/s were seen, where small pages, which are not lent, came at 3 GB/s. So large
//! pages are touched as they are taken, and no more are asked for where they come as slowly as that.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Bytes of a large page on the systems that have them.
const LARGE: usize = 2 << 20;
/// Bytes of a chunk; what is larger has a chunk of its own.
const CHUNK: usize = 64 << 20;
/// A large page that takes longer came by small pieces: 0.5 GB/s.
const SLOW: Duration = Duration::from_millis(4);
/// Once so many times as long was lost to those, no large pages are asked for.
const ENOUGH: u32 = 3;
/// Where spans begin: at a multiple of this.
const ALIGNMENT: usize = 64;

/// Zeroed memory, aligned to large pages.
struct Chunk {
    start: *mut u8,
    bytes: usize,
    used: Mutex<usize>,
    /// What to give back: the whole mapping, or nothing where `start` came from the allocator.
    mapping: Option<(*mut u8, usize)>,
}

// SAFETY: the memory is handed out in spans that do not overlap; the count of used bytes is behind a lock.
unsafe impl Send for Chunk {}
// SAFETY: as above.
unsafe impl Sync for Chunk {}

/// The chunk that small spans are cut from.
static CURRENT: Mutex<Weak<Chunk>> = Mutex::new(Weak::new());

impl Chunk {
    fn new(bytes: usize) -> Self {
        // Else `layout` would stand for less than was asked for.
        assert!(bytes < isize::MAX as usize - LARGE, "{bytes} bytes are more than can be addressed");
        if let Some((start, mapping)) = mapped(bytes) {
            return Self { start, bytes, used: Mutex::new(0), mapping: Some(mapping) };
        }
        let layout = Self::layout(bytes);
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc_zeroed(layout) };
        if start.is_null() {
            handle_alloc_error(layout);
        }
        Self { start, bytes, used: Mutex::new(0), mapping: None }
    }

    fn layout(bytes: usize) -> Layout {
        let alignment = if bytes < LARGE { ALIGNMENT } else { LARGE };
        Layout::from_size_align(bytes, alignment).unwrap_or(Layout::new::<u64>())
    }

    /// Takes so many bytes, if there are as many; where they begin.
    fn take(&self, bytes: usize) -> Option<usize> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let end = used.checked_add(bytes.next_multiple_of(ALIGNMENT)).filter(|end| *end <= self.bytes)?;
        Some(std::mem::replace(&mut *used, end))
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: no span is left that points here, and what is freed is what was taken.
        unsafe {
            match self.mapping {
                #[cfg(target_os = "linux")]
                Some((start, bytes)) => _ = libc::munmap(start.cast(), bytes),
                #[cfg(not(target_os = "linux"))]
                Some(_) => {}
                None => dealloc(self.start, Self::layout(self.bytes)),
            }
        }
    }
}

/// A private mapping with an aligned part of so many bytes that is to have large pages as far as it fills them: the part,
/// and the whole. None for what fills no large page.
#[cfg(target_os = "linux")]
fn mapped(bytes: usize) -> Option<(*mut u8, (*mut u8, usize))> {
    if bytes < LARGE {
        return None;
    }
    let whole = bytes.checked_add(LARGE)?;
    let (rights, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping, checked before use; advice changes nothing that a program sees.
    unsafe {
        let start = libc::mmap(std::ptr::null_mut(), whole, rights, kind, -1, 0);
        if start == libc::MAP_FAILED {
            return None;
        }
        let start = start.cast::<u8>();
        let part = start.add(start.align_offset(LARGE));
        let large = bytes / LARGE * LARGE;
        libc::madvise(part.cast(), large, libc::MADV_HUGEPAGE);
        let touch = |page: usize| part.add(page * LARGE).write_volatile(0);
        let taken = take_large(bytes / LARGE, &LOST, own_time, touch) * LARGE;
        if taken < large {
            libc::madvise(part.add(taken).cast(), large - taken, libc::MADV_NOHUGEPAGE);
        }
        Some((part, (start, whole)))
    }
}

/// What was lost to large pages that came slowly, in multiples of `SLOW`.
#[cfg(target_os = "linux")]
static LOST: AtomicU32 = AtomicU32::new(0);

/// Touches large pages until too much time by the clock was lost to slow ones; how many it were.
#[cfg(target_os = "linux")]
fn take_large(pages: usize, lost: &AtomicU32, clock: impl Fn() -> Duration, touch: impl Fn(usize)) -> usize {
    for page in 0..pages {
        if lost.load(Ordering::Relaxed) >= ENOUGH {
            return page;
        }
        let begun = clock();
        touch(page);
        let took = clock().saturating_sub(begun);
        lost.fetch_add(took.as_nanos().div_euclid(SLOW.as_nanos()).min(u128::from(ENOUGH)) as u32, Ordering::Relaxed);
    }
    pages
}

/// The time that this thread has run for: what others take from it is not counted.
#[cfg(target_os = "linux")]
fn own_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock writes its time into `time`, or leaves the zeros there.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

#[cfg(not(target_os = "linux"))]
fn mapped(_bytes: usize) -> Option<(*mut u8, (*mut u8, usize))> {
    None
}

/// Numbers for which all bytes zero are a value.
///
/// # Safety
/// Zeroed memory must be a valid value, and dropping must do nothing.
pub unsafe trait Plain: Copy {}
// SAFETY (all): plain numbers.
unsafe impl Plain for u8 {}
unsafe impl Plain for u16 {}
unsafe impl Plain for f32 {}
unsafe impl Plain for super::Lane {}

/// A slice of its own in such memory.
pub struct Span<T> {
    chunk: Option<Arc<Chunk>>,
    at: usize,
    len: usize,
    kind: PhantomData<T>,
}

impl<T: Plain> Span<T> {
    /// Makes `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let bytes = len.checked_mul(size_of::<T>()).unwrap_or(usize::MAX / 2);
        if bytes > CHUNK / 4 || bytes == 0 {
            return Self::alone(len);
        }
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chunk) = current.upgrade()
            && let Some(at) = chunk.take(bytes)
        {
            return Self { chunk: Some(chunk), at, len, kind: PhantomData };
        }
        let chunk = Arc::new(Chunk::new(CHUNK));
        *current = Arc::downgrade(&chunk);
        let at = chunk.take(bytes).unwrap_or(0);
        Self { chunk: Some(chunk), at, len, kind: PhantomData }
    }

    /// Makes `len` zeros in memory that is given back with them.
    pub fn alone(len: usize) -> Self {
        let bytes = len.checked_mul(size_of::<T>()).unwrap_or(usize::MAX / 2);
        let chunk = (bytes > 0).then(|| Arc::new(Chunk::new(bytes)));
        Self { at: 0, len: if chunk.is_some() { len } else { 0 }, chunk, kind: PhantomData }
    }
}

impl<T: Plain> Deref for Span<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.chunk {
            // SAFETY: the chunk has `len` values from `at` on, which belong to this span alone; zeros are values.
            Some(chunk) => unsafe { std::slice::from_raw_parts(chunk.start.add(self.at).cast(), self.len) },
            None => &[],
        }
    }
}

impl<T: Plain> DerefMut for Span<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &self.chunk {
            // SAFETY: as in `deref`, and this span is borrowed for writing.
            Some(chunk) => unsafe { std::slice::from_raw_parts_mut(chunk.start.add(self.at).cast(), self.len) },
            None => &mut [],
        }
    }
}

impl<T: Plain> Clone for Span<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::alone(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl<T: Plain> Default for Span<T> {
    fn default() -> Self {
        Self::zeros(0)
    }
}

impl<T> fmt::Debug for Span<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn pages_that_come_slowly_are_not_asked_for_any_more() {
        let (now, lost) = (std::cell::Cell::new(Duration::ZERO), AtomicU32::new(0));
        let pass = |time: Duration| now.set(now.get() + time);
        let every_other = |page: usize| pass(if page % 2 == 1 { SLOW } else { SLOW / 2 });
        assert_eq!(take_large(20, &lost, || now.get(), every_other), 6, "the third slow one is number five");
        assert_eq!(take_large(20, &lost, || now.get(), |_| {}), 0);
        assert_eq!(take_large(20, &AtomicU32::new(0), || now.get(), |_| pass(10 * SLOW)), 1);
        assert_eq!(take_large(20, &AtomicU32::new(0), || now.get(), |_| pass(SLOW / 2)), 20);
    }

    #[test]
    fn spans_are_zero_aligned_apart_and_outlive_each_other() {
        let mut spans: Vec<Span<u16>> = [1, 33, 0, 5_000_000, 40_000_000].map(Span::zeros).into();
        for (i, span) in spans.iter_mut().enumerate() {
            assert!(span.iter().all(|x| *x == 0));
            assert!((span.as_ptr() as usize).is_multiple_of(32) || span.is_empty());
            span.fill(i as u16 + 1);
        }
        let last = spans.pop();
        for (i, span) in spans.iter().enumerate() {
            assert!(span.iter().all(|x| *x == i as u16 + 1));
        }
        drop(spans);
        assert!(last.is_some_and(|s| s.len() == 40_000_000 && s.iter().all(|x| *x == 5)));
        assert_eq!(Span::<f32>::default().len(), 0);
    }
}
