//! Declares the two commands of the window; without the list, any local page could call every command there is.

fn main() {
    // The context macro wants the folder; in development it may not be built yet.
    std::fs::create_dir_all("../ui/dist").expect("the interface's build folder can be made");
    let manifest = tauri_build::AppManifest::new().commands(&["rpc", "subscribe"]);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))
        .expect("the window's configuration holds");
}
