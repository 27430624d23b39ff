//! Makes sqlite-vec part of every connection of this process. With `bm25`, the one place of the store with
//! unsafe code.
#![allow(unsafe_code)]

use rusqlite::ffi;
use std::ffi::{c_char, c_int};
use std::sync::Once;

type EntryPoint = unsafe extern "C" fn(*mut ffi::sqlite3, *mut *mut c_char, *const ffi::sqlite3_api_routines) -> c_int;

/// Registers the extension; later calls do nothing.
pub(crate) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: `sqlite3_vec_init` is the extension's entry point; its crate declares it without its arguments, which
        // are those that SQLite documents for every entry point. SQLite keeps the pointer for the life of the process.
        unsafe {
            let entry = std::mem::transmute::<*const (), EntryPoint>(sqlite_vec::sqlite3_vec_init as *const ());
            ffi::sqlite3_auto_extension(Some(entry));
        }
    });
}
