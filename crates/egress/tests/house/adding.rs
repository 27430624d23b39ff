//! Models brought from a disk.

use crate::server::{hash, manifest, noise};
use hearth_egress::{Added, Cancel, DownloadError, Manifest, add_from, installed, remove};
use std::fs;
use std::path::Path;

fn add(path: &Path, root: &Path, catalogue: &Manifest) -> Result<Added, DownloadError> {
    add_from(path, root, catalogue, &Cancel::new(), &mut |_| {})
}

#[test]
fn known_bytes_are_entered_as_the_model_they_are() {
    let bytes = [b"GGUF".as_slice(), &noise(500)].concat();
    let catalogue = manifest(&format!(", size = 504, sha256 = '{}'", hash(&bytes)), "");
    let (shelf, root) = (tempfile::tempdir().expect("shelf"), tempfile::tempdir().expect("root"));
    fs::write(shelf.path().join("toy.gguf"), &bytes).expect("file");
    // A folder that holds it does as well.
    for path in [shelf.path().join("toy.gguf"), shelf.path().to_owned()] {
        let added = add(&path, root.path(), &catalogue).expect("added");
        assert!(added.known);
        assert_eq!(added.model.entry.id.0, "toy");
        assert_eq!(fs::read(added.model.folder.join("toy.gguf")).expect("file"), bytes);
    }
    assert_eq!(installed(root.path()).expect("listed").len(), 1);
    remove(root.path(), &catalogue.models[0].id).expect("removed");
    assert!(installed(root.path()).expect("listed").is_empty());
    assert!(!root.path().join("toy").exists());
}

#[test]
fn a_damaged_or_cut_off_copy_of_a_known_model_is_refused() {
    let bytes = [b"GGUF".as_slice(), &noise(500)].concat();
    let catalogue = manifest(&format!(", size = 504, sha256 = '{}'", hash(&bytes)), "");
    let (shelf, root) = (tempfile::tempdir().expect("shelf"), tempfile::tempdir().expect("root"));
    let path = shelf.path().join("toy.gguf");
    fs::write(&path, [b"GGUF".as_slice(), &[0; 500]].concat()).expect("file");
    let damaged = add(&path, root.path(), &catalogue).unwrap_err();
    assert!(matches!(damaged, DownloadError::Mismatch { .. }), "{damaged}");
    fs::write(&path, &bytes[..300]).expect("file");
    let cut = add(&path, root.path(), &catalogue).unwrap_err();
    assert!(cut.to_string().contains("cut off"), "{cut}");
    assert!(installed(root.path()).expect("listed").is_empty());
}

#[test]
fn an_unknown_gguf_is_taken_under_a_name_of_its_own() {
    let catalogue = manifest("", "");
    let (shelf, root) = (tempfile::tempdir().expect("shelf"), tempfile::tempdir().expect("root"));
    let path = shelf.path().join("My.Model-7B-Q5_K_M.gguf");
    fs::write(&path, [b"GGUF".as_slice(), &noise(64)].concat()).expect("file");
    let added = add(&path, root.path(), &catalogue).expect("added");
    assert!(!added.known);
    assert_eq!(added.model.entry.id.0, "my.model-7b-q5_k_m");
    assert_eq!(added.model.entry.quantization, "Q5_K_M");
    assert_eq!(installed(root.path()).expect("listed"), [added.model]);

    let part = shelf.path().join("My.Model-70B-Q4_K_M-00001-of-00003.gguf");
    fs::write(&part, [b"GGUF".as_slice(), &noise(64)].concat()).expect("file");
    let refused = add(&part, root.path(), &catalogue).expect_err("a part alone is no model");
    assert!(refused.to_string().contains("one part of a model"), "{refused}");
    let odd = shelf.path().join("odd.gguf");
    fs::write(&odd, b"not one").expect("file");
    assert!(matches!(add(&odd, root.path(), &catalogue), Err(DownloadError::NotAModel { .. })));
    assert!(matches!(add(&shelf.path().join("none"), root.path(), &catalogue), Err(DownloadError::File { .. })));
}

#[test]
fn a_folder_with_safetensors_is_taken_as_an_embedder() {
    let (shelf, root) = (tempfile::tempdir().expect("shelf"), tempfile::tempdir().expect("root"));
    let folder = shelf.path().join("Own Embedder");
    fs::create_dir(&folder).expect("folder");
    for (name, text) in [
        ("config.json", "{\"model_type\":\"bert\",\"hidden_size\":32,\"max_position_embeddings\":128}"),
        ("tokenizer.json", "{}"),
        ("model.safetensors", "weights"),
    ] {
        fs::write(folder.join(name), text).expect("file");
    }
    let added = add(&folder, root.path(), &Manifest { models: Vec::new() }).expect("added");
    let entry = &added.model.entry;
    assert_eq!(entry.id.0, "own-embedder");
    assert_eq!((entry.architecture.as_str(), entry.n_dims, entry.n_ctx), ("bert", Some(32), 128));
    assert_eq!(added.model.files.len(), 3);
}
