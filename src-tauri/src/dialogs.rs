//! The system's own file dialogs, opened by the kernel on a person's wish; what is chosen goes to the kernel alone.

use hearth_kernel::Dialogs;
use std::path::PathBuf;
use tauri::{AppHandle, Runtime};
use tauri_plugin_dialog::{DialogExt, FilePath};

/// Dialogs over the window.
pub(crate) struct WindowDialogs<R: Runtime>(pub(crate) AppHandle<R>);

impl<R: Runtime> Dialogs for WindowDialogs<R> {
    fn files(&self, folder: bool) -> Vec<PathBuf> {
        let dialog = self.0.dialog().file();
        let chosen = if folder {
            dialog.set_title("Add a folder").blocking_pick_folders()
        } else {
            dialog.set_title("Add documents").blocking_pick_files()
        };
        paths(chosen.unwrap_or_default())
    }

    fn model_file(&self) -> Option<PathBuf> {
        let dialog = self.0.dialog().file().set_title("Add a model").add_filter("Models (GGUF)", &["gguf"]);
        paths(dialog.blocking_pick_file().into_iter().collect()).pop()
    }

    fn save(&self, name: &str) -> Option<PathBuf> {
        let dialog = self.0.dialog().file().set_title("Save").set_file_name(name);
        dialog.blocking_save_file().and_then(|path| path.into_path().ok())
    }
}

fn paths(chosen: Vec<FilePath>) -> Vec<PathBuf> {
    chosen.into_iter().filter_map(|path| path.into_path().ok()).collect()
}
