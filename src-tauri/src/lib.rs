//! The desktop shell: one window, two commands, native dialogs and drops. No product logic lives here; the page gets
//! nothing but the kernel's words, and paths reach the kernel from the system alone, never from the page.

mod arguments;
mod dialogs;
pub mod door;
mod headless;
mod window;

use arguments::{Arguments, Refused};
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program to its end: in a window, or on loopback where there is no display.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::read(arguments) {
        Ok(arguments) => arguments,
        Err(Refused::Help(text)) => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(Refused::Usage(text)) => {
            eprintln!("{text}");
            return ExitCode::from(2);
        }
    };
    if !arguments.test_automation {
        forbid_automation();
    }
    log_to_stderr();
    if let Err(why) = window::display() {
        eprintln!("hearth: {why} Serving the same interface on this machine's loopback instead.");
        return headless::run(arguments);
    }
    window::run(arguments)
}

/// The window's configuration, as compiled in. Expanded here and nowhere else.
pub fn context<R: tauri::Runtime>() -> tauri::Context<R> {
    tauri::generate_context!()
}

/// Takes away the variable by which any program of this user could drive the window (and read what it shows).
/// It stands only when `--test-automation` was given together with a data folder of its own.
#[allow(unsafe_code)]
fn forbid_automation() {
    // SAFETY: called first thing in `run`, before this process has a second thread.
    unsafe { std::env::remove_var("TAURI_WEBVIEW_AUTOMATION") };
}

/// Warnings and errors go to stderr; `HEARTH_LOG` asks for more. Document text is never logged at any level.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("HEARTH_LOG").unwrap_or_else(|_| "warn".into());
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
