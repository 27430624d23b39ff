//! The desktop program. It is also the engine and the reader process, when the kernel starts it as one.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = hearth_kernel::run_child_if_asked() {
        return code;
    }
    hearth_desktop::run(std::env::args_os().skip(1))
}
