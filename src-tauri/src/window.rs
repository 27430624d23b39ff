//! The one window: how it looks at first, what may be dropped on it, and where it may never go.

use crate::arguments::Arguments;
use crate::dialogs::WindowDialogs;
use crate::door::{self, House};
use hearth_kernel::Kernel;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use tauri::webview::NewWindowResponse;
use tauri::{
    App, AppHandle, DragDropEvent, Manager, RunEvent, Url, WebviewUrl, WebviewWindowBuilder, WindowEvent, Wry,
};
use tauri_plugin_dialog::{DialogExt, MessageDialogKind};

const LABEL: &str = "main";
const SIZE: (f64, f64) = (1440.0, 900.0);
const LEAST: (f64, f64) = (860.0, 600.0);

/// Says why there is no display to open a window on, where that is so.
#[cfg(target_os = "linux")]
pub(crate) fn display() -> Result<(), &'static str> {
    let named =
        ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if !named {
        return Err("There is no display (neither DISPLAY nor WAYLAND_DISPLAY is set).");
    }
    gtk::init().map_err(|_| "The display could not be opened.")
}

/// Elsewhere a window can always be asked for.
#[cfg(not(target_os = "linux"))]
pub(crate) fn display() -> Result<(), &'static str> {
    Ok(())
}

/// Opens the window and runs until it is closed.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let began = Instant::now();
    let mut single = tauri_plugin_single_instance::Builder::new().callback(|app, _arguments, _folder| focus(app));
    if arguments.data_dir_given {
        // Another folder is another Hearth: it does not give way to the one that is open.
        let mut hasher = DefaultHasher::new();
        arguments.data_dir.hash(&mut hasher);
        single = single.dbus_id(format!("dev.hearth.desktop.d{:x}", hasher.finish()));
    }
    let builder = tauri::Builder::default().plugin(single.build()).plugin(tauri_plugin_dialog::init());
    let app = door::add(builder)
        .setup(move |app| {
            match start_kernel(app, &arguments) {
                Ok(kernel) => {
                    let ready = arguments.report_ready.then_some(began);
                    app.manage(House::new(Arc::new(kernel.clone()), ready));
                    app.manage(kernel);
                    open(app, &arguments)?;
                }
                Err(error) => refuse(app.handle(), &error),
            }
            Ok(())
        })
        .build(crate::context());
    match app {
        Ok(app) => ExitCode::from(app.run_return(ended) as u8),
        Err(error) => {
            eprintln!("hearth: the window could not be opened: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start_kernel(app: &App, arguments: &Arguments) -> Result<Kernel, hearth_api::Error> {
    let bundled = app.path().resource_dir().ok().map(|folder| folder.join("models")).filter(|folder| folder.is_dir());
    let mut config = arguments.config(bundled);
    config.dialogs = Some(Arc::new(WindowDialogs(app.handle().clone())));
    Kernel::start(config)
}

fn open(app: &App, arguments: &Arguments) -> tauri::Result<()> {
    let mut builder = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("index.html".into()))
        .title("Hearth")
        .inner_size(SIZE.0, SIZE.1)
        .min_inner_size(LEAST.0, LEAST.1)
        .center()
        .general_autofill_enabled(false)
        .on_navigation(own)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false);
    // The page keeps nothing on disk. A driven window cannot be ephemeral, so its storage lies in the test's folder.
    builder = if arguments.test_automation {
        builder.data_directory(arguments.data_dir.join("webview"))
    } else {
        builder.incognito(true)
    };
    let window = builder.build()?;
    let kernel = app.state::<Kernel>().inner().clone();
    let scale = window.clone();
    window.on_window_event(move |event| {
        if let WindowEvent::DragDrop(event) = event {
            let scale = scale.scale_factor().unwrap_or(1.0);
            forward(&kernel, event, scale);
        }
    });
    Ok(())
}

/// Whether an address is the application's own.
pub(crate) fn own(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        "http" | "https" => cfg!(windows) && url.host_str() == Some("tauri.localhost"),
        _ => false,
    }
}

/// Passes drops on. Only the system names paths here; the page sees the grant that the kernel mints.
fn forward(kernel: &Kernel, event: &DragDropEvent, scale: f64) {
    let css = |position: &tauri::PhysicalPosition<f64>| ((position.x / scale) as f32, (position.y / scale) as f32);
    match event {
        DragDropEvent::Enter { position, .. } | DragDropEvent::Over { position } => {
            let (x, y) = css(position);
            kernel.dragged(true, x, y);
        }
        DragDropEvent::Drop { paths, position } => {
            let (x, y) = css(position);
            let (kernel, paths) = (kernel.clone(), paths.clone());
            // Opening a folder of thousands takes a while; the window goes on meanwhile.
            tauri::async_runtime::spawn_blocking(move || kernel.dropped(paths, x, y));
        }
        DragDropEvent::Leave => kernel.dragged(false, 0.0, 0.0),
        _ => {}
    }
}

fn focus(app: &AppHandle<Wry>) {
    if let Some(window) = app.get_webview_window(LABEL) {
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
    }
    if let Some(kernel) = app.try_state::<Kernel>() {
        kernel.focused();
    }
}

/// Says why Hearth does not start, and ends with a failure once that has been read.
fn refuse(app: &AppHandle<Wry>, error: &hearth_api::Error) {
    eprintln!("hearth: {error}");
    let end = app.clone();
    app.dialog().message(error.to_string()).title("Hearth").kind(MessageDialogKind::Error).show(move |_| end.exit(1));
}

fn ended(app: &AppHandle<Wry>, event: RunEvent) {
    match event {
        // A message without a window must not end the program before it is read.
        RunEvent::ExitRequested { api, code: None, .. } if app.try_state::<Kernel>().is_none() => api.prevent_exit(),
        RunEvent::Exit => {
            if let Some(kernel) = app.try_state::<Kernel>() {
                kernel.stop();
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::own;

    #[test]
    fn the_window_stays_at_home() {
        let leads = |url: &str| own(&url.parse().unwrap());
        assert!(leads("tauri://localhost/index.html"));
        for foreign in [
            "https://example.org/",
            "http://localhost/",
            "http://127.0.0.1:80/",
            "tauri://elsewhere/",
            "file:///etc/passwd",
            "data:text/html,hi",
            "javascript:alert(1)",
            "about:blank",
            "https://tauri.localhost.example.org/",
        ] {
            assert!(!leads(foreign), "{foreign}");
        }
    }
}
