//! A small pool of compute threads that share one loop at a time. A worker waits a few microseconds for the next
//! loop and then sleeps; the caller works too and never waits for a worker that has not started. For one that has, it
//! also waits a few microseconds and then sleeps: where other programs want the cores, the one that is left to finish
//! then gets a core, which yielding does not see to.
//!
//! Every thread has a share of the items, one behind another, and takes them in order; one that has none left takes from
//! the shares of others. So each reads memory in one long run, which processors fetch ahead of; claimed in turns from one
//! queue, short runs cost a fifth of the speed. Which thread runs an item never changes the result.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::*};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Turns of waiting before a worker sleeps, tens of microseconds.
const SPINS: usize = 3000;

type Body<'a> = dyn Fn(Range<usize>) + Sync + 'a;

/// How many items of a thread's share were claimed, in a cache line of its own.
#[derive(Default)]
#[repr(align(64))]
struct Share(AtomicUsize);

struct Job<'a> {
    body: &'a Body<'a>,
    items: usize,
    grain: usize,
    shares: &'a [Share],
    panicked: AtomicBool,
}

impl Job<'_> {
    /// Works as the thread `me`: through its own share, then through those of the next.
    fn work(&self, me: usize) {
        let n = self.shares.len();
        for part in (me..n).chain(0..me) {
            let (first, end) = (self.items * part / n, self.items * (part + 1) / n);
            let Some(Share(claimed)) = self.shares.get(part) else { continue };
            loop {
                let i = first + claimed.fetch_add(self.grain, Relaxed);
                if i >= end {
                    break;
                }
                let range = i..(i + self.grain).min(end);
                if catch_unwind(AssertUnwindSafe(|| (self.body)(range))).is_err() {
                    self.panicked.store(true, SeqCst);
                }
            }
        }
    }
}

#[derive(Default)]
struct Shared {
    job: AtomicPtr<Job<'static>>,
    serial: AtomicUsize,
    inside: AtomicUsize,
    sleepers: AtomicUsize,
    waiting: AtomicBool,
    stop: AtomicBool,
    gate: Mutex<()>,
    wake: Condvar,
    done: Condvar,
}

/// Threads that run loops together with the caller.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<std::thread::JoinHandle<()>>,
    /// One for each thread. Held by the caller whose loop is running.
    shares: Mutex<Vec<Share>>,
}

impl Pool {
    /// Starts a pool in which `threads` threads work, the caller included. Threads that cannot be started are done
    /// without.
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let workers = (1..threads.max(1))
            .filter_map(|i| {
                let shared = Arc::clone(&shared);
                std::thread::Builder::new().name(format!("compute-{i}")).spawn(move || worker(&shared, i)).ok()
            })
            .collect();
        let shares = Mutex::new((0..threads.max(1)).map(|_| Share::default()).collect());
        Self { shared, workers, shares }
    }

    /// Returns how many threads work, the caller included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `body` with ranges that together cover `0..items`, from any of the threads, and returns when all are
    /// done. Must not be called from within `body`.
    pub fn run(&self, items: usize, body: &Body<'_>) {
        let threads = self.threads();
        if threads == 1 || items <= 1 {
            if items > 0 {
                body(0..items);
            }
            return;
        }
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.iter_mut().for_each(|Share(claimed)| *claimed.get_mut() = 0);
        let grain = (items / (threads * 8)).max(1);
        let job = Job { body, items, grain, shares: &shares, panicked: AtomicBool::new(false) };
        let s = &*self.shared;
        s.job.store((&raw const job).cast::<Job<'static>>().cast_mut(), SeqCst);
        s.serial.fetch_add(1, SeqCst);
        if s.sleepers.load(SeqCst) > 0 {
            let _gate = s.gate.lock().unwrap_or_else(PoisonError::into_inner);
            s.wake.notify_all();
        }
        job.work(0);
        s.job.store(std::ptr::null_mut(), SeqCst);
        let mut turns = 0usize;
        while s.inside.load(SeqCst) > 0 && turns < SPINS {
            turns += 1;
            std::hint::spin_loop();
        }
        if s.inside.load(SeqCst) > 0 {
            let mut gate = s.gate.lock().unwrap_or_else(PoisonError::into_inner);
            s.waiting.store(true, SeqCst);
            while s.inside.load(SeqCst) > 0 {
                gate = s.done.wait(gate).unwrap_or_else(PoisonError::into_inner);
            }
            s.waiting.store(false, SeqCst);
        }
        assert!(!job.panicked.load(SeqCst), "a compute thread panicked");
    }

    /// Calls `body` once for each chunk of `width` elements, with the chunk's number.
    pub fn chunks<T: Send>(&self, data: &mut [T], width: usize, body: &(dyn Fn(usize, &mut [T]) + Sync)) {
        let n = data.len().checked_div(width).unwrap_or(0);
        let parts = Parts::new(data, width);
        self.run(n, &|r| {
            for i in r {
                // SAFETY: every index below n is handed out once, so no two calls see the same chunk.
                body(i, unsafe { parts.part(i) });
            }
        });
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        {
            let _gate = self.shared.gate.lock().unwrap_or_else(PoisonError::into_inner);
            self.shared.wake.notify_all();
        }
        for w in self.workers.drain(..) {
            let _ = w.join();
        }
    }
}

fn worker(s: &Shared, me: usize) {
    let mut seen = 0;
    loop {
        let mut turns = 0;
        while s.serial.load(SeqCst) == seen {
            if s.stop.load(SeqCst) {
                return;
            }
            turns += 1;
            if turns < SPINS {
                std::hint::spin_loop();
                continue;
            }
            let mut gate = s.gate.lock().unwrap_or_else(PoisonError::into_inner);
            s.sleepers.fetch_add(1, SeqCst);
            while s.serial.load(SeqCst) == seen && !s.stop.load(SeqCst) {
                gate = s.wake.wait(gate).unwrap_or_else(PoisonError::into_inner);
            }
            s.sleepers.fetch_sub(1, SeqCst);
        }
        seen = s.serial.load(SeqCst);
        s.inside.fetch_add(1, SeqCst);
        let job = s.job.load(SeqCst);
        if !job.is_null() {
            // SAFETY: `run` clears the pointer before it reads `inside`, and both are sequentially consistent: either
            // this thread saw null, or `run` sees `inside` above zero and keeps the job alive until it is lowered.
            unsafe { &*job }.work(me);
        }
        // Either this thread sees that the caller waits, or the caller sees that nobody is inside any more.
        if s.inside.fetch_sub(1, SeqCst) == 1 && s.waiting.load(SeqCst) {
            let _gate = s.gate.lock().unwrap_or_else(PoisonError::into_inner);
            s.done.notify_one();
        }
    }
}

/// A mutable slice cut into parts that different threads write.
pub struct Parts<'a, T> {
    start: *mut T,
    len: usize,
    width: usize,
    life: PhantomData<&'a mut [T]>,
}

// SAFETY: the parts are disjoint, and `part` demands that each is used by one thread at a time.
unsafe impl<T: Send> Sync for Parts<'_, T> {}

impl<'a, T> Parts<'a, T> {
    /// Cuts a slice into parts of `width`.
    pub fn new(data: &'a mut [T], width: usize) -> Self {
        Self { start: data.as_mut_ptr(), len: data.len(), width, life: PhantomData }
    }

    /// Returns where an element stands.
    pub fn place(&self, i: usize) -> *const T {
        self.start.wrapping_add(i).cast_const()
    }

    /// Returns one part; panics where it lies outside.
    ///
    /// # Safety
    /// No other reference to the same part may be alive.
    #[allow(clippy::mut_from_ref, reason = "disjointness is the caller's promise")]
    pub unsafe fn part(&self, i: usize) -> &mut [T] {
        // SAFETY: as promised by the caller; `span` checks the bounds.
        unsafe { self.span(i * self.width, self.width) }
    }

    /// Returns `len` elements from `from`; panics where they lie outside.
    ///
    /// # Safety
    /// No other reference to any of these elements may be alive.
    #[allow(clippy::mut_from_ref, reason = "disjointness is the caller's promise")]
    pub unsafe fn span(&self, from: usize, len: usize) -> &mut [T] {
        assert!(from.checked_add(len).is_some_and(|e| e <= self.len), "a part lies outside of its slice");
        // SAFETY: inside the slice that `new` borrowed for 'a, and not shared, as promised by the caller.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_every_item_once() {
        let pool = Pool::new(3);
        for n in [0, 1, 2, 7, 64, 1000] {
            for _ in 0..50 {
                let mut v = vec![0u32; n * 3];
                pool.chunks(&mut v, 3, &|i, c| c.iter_mut().for_each(|x| *x += i as u32 + 1));
                assert!(v.iter().enumerate().all(|(i, x)| *x == (i / 3) as u32 + 1));
            }
        }
    }

    #[test]
    fn sleeps_and_wakes() {
        let pool = Pool::new(2);
        while pool.shared.sleepers.load(SeqCst) == 0 {
            std::thread::yield_now();
        }
        let sum = AtomicUsize::new(0);
        pool.run(100, &|r| {
            sum.fetch_add(r.sum::<usize>(), SeqCst);
        });
        assert_eq!(sum.load(SeqCst), 4950);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives() {
        let pool = Pool::new(2);
        let hit = catch_unwind(AssertUnwindSafe(|| pool.run(10, &|r| assert!(!r.contains(&5)))));
        assert!(hit.is_err());
        pool.run(10, &|_| ());
    }
}
