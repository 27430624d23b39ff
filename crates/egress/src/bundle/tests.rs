//! Bundles of small made models: carried over whole, and refused when anything in them is not as it was signed.

use super::seal::{self, Seal};
use super::*;
use crate::install::{Installed, add_from, installed};
use crate::manifest::Manifest;
use crate::{Cancel, Progress};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A house with models of these names, and one that has none.
struct Two {
    shelf: TempDir,
    from: PathBuf,
    to: PathBuf,
}

fn none() -> Manifest {
    Manifest { models: Vec::new() }
}

fn body(name: &str) -> Vec<u8> {
    [b"GGUF".as_slice(), name.as_bytes(), &[7; 3000]].concat()
}

fn two(names: &[&str]) -> Two {
    let shelf = tempfile::tempdir().unwrap();
    let (from, to) = (shelf.path().join("from"), shelf.path().join("to"));
    for name in names {
        let file = shelf.path().join(format!("{name}.gguf"));
        fs::write(&file, body(name)).unwrap();
        add_from(&file, &from, &none(), &Cancel::new(), &mut |_| {}).unwrap();
    }
    Two { shelf, from, to }
}

impl Two {
    fn bundle(&self) -> PathBuf {
        self.shelf.path().join("bundle.tar")
    }

    fn key(&self, house: &str) -> PathBuf {
        self.shelf.path().join(house)
    }

    fn pack(&self) -> Packed {
        let models = installed(&self.from).unwrap();
        pack(&models, &self.bundle(), &self.key("a"), &Cancel::new(), &mut |_: Progress| {}).unwrap()
    }

    /// As the house that packed it.
    fn unpack(&self) -> Result<Unpacked, BundleError> {
        unpack(&self.bundle(), &self.to, &none(), &self.key("a"), None, &Cancel::new(), &mut |_| {})
    }

    /// Refused with these words, and nothing is left of it.
    fn refused(&self, words: &str) {
        let error = self.unpack().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        self.nothing_is_left();
    }

    fn nothing_is_left(&self) {
        let left: Vec<_> = fs::read_dir(&self.to).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    /// Packs anew with a list of contents changed by `change`, signed with the house's key, and with `entries` behind it.
    fn forged(&self, change: impl Fn(&mut Contents), entries: impl Fn(&mut tar::Builder<Vec<u8>>, &[Installed])) {
        let models = installed(&self.from).unwrap();
        let carried = |model: &Installed| Carried {
            entry: model.entry.clone(),
            source: String::new(),
            revision: None,
            files: model.files.clone(),
        };
        let mut contents = Contents { format: FORMAT, models: models.iter().map(carried).collect() };
        change(&mut contents);
        let list = serde_json::to_vec(&contents).unwrap();
        let key = seal::house_key(&self.key("a")).unwrap();
        let mut tar = tar::Builder::new(Vec::new());
        entry(&mut tar, CONTENTS, &list);
        entry(&mut tar, SEAL, &serde_json::to_vec(&Seal::over(&key, seal::DOMAIN, &list)).unwrap());
        entries(&mut tar, &models);
        fs::write(self.bundle(), tar.into_inner().unwrap()).unwrap();
    }
}

/// An entry of any name, also of one that the library would not write.
fn entry(tar: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) {
    let mut header = plain(name, bytes.len() as u64);
    header.set_cksum();
    tar.append(&header, bytes).unwrap();
}

fn plain(name: &str, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    let field = &mut header.as_ustar_mut().unwrap().name;
    field[..name.len()].copy_from_slice(name.as_bytes());
    header.set_size(size);
    header.set_mode(0o644);
    header
}

fn whole(tar: &mut tar::Builder<Vec<u8>>, models: &[Installed]) {
    for model in models {
        for file in &model.files {
            let bytes = fs::read(model.path_of(file)).unwrap();
            entry(tar, &format!("{}/{}", model.entry.id.0, file.name), &bytes);
        }
    }
}

#[test]
fn models_arrive_as_they_were_and_a_second_time_changes_nothing() {
    let two = two(&["one", "two"]);
    let packed = two.pack();
    assert_eq!(packed.models.len(), 2);
    assert_eq!(packed.bytes, two.bundle().metadata().unwrap().len());
    let unpacked = two.unpack().unwrap();
    assert!(unpacked.own && unpacked.kept.is_empty() && unpacked.fingerprint == packed.fingerprint);
    assert_eq!(unpacked.added, packed.models);
    for (before, after) in installed(&two.from).unwrap().iter().zip(installed(&two.to).unwrap()) {
        assert_eq!((&before.entry, &before.files), (&after.entry, &after.files));
        assert!(after.broken.is_empty() && crate::check_files(&after, &Cancel::new()).unwrap().is_empty());
    }
    assert_eq!(fs::read_dir(&two.to).unwrap().count(), 2, "nothing but the models is left");
    let again = two.unpack().unwrap();
    assert!(again.added.is_empty() && again.kept == packed.models);
}

#[test]
fn a_damaged_model_is_put_right_and_a_whole_one_kept() {
    let two = two(&["one", "two"]);
    two.pack();
    two.unpack().unwrap();
    fs::write(two.to.join("one/one.gguf"), b"cut").unwrap();
    let unpacked = two.unpack().unwrap();
    assert_eq!((unpacked.added[0].0.as_str(), unpacked.kept[0].0.as_str()), ("one", "two"));
    assert_eq!(fs::read(two.to.join("one/one.gguf")).unwrap(), body("one"));
}

#[test]
fn another_house_is_believed_only_by_its_fingerprint() {
    let two = two(&["one"]);
    let packed = two.pack();
    let take = |trusted: Option<&str>| {
        unpack(&two.bundle(), &two.to, &none(), &two.key("b"), trusted, &Cancel::new(), &mut |_| {})
    };
    match take(None).unwrap_err() {
        BundleError::UnknownSigner { fingerprint } => assert_eq!(fingerprint, packed.fingerprint),
        other => panic!("{other}"),
    }
    let other = "0123".repeat(16);
    assert!(matches!(take(Some(&other)), Err(BundleError::UnknownSigner { .. })));
    assert!(matches!(take(Some("0123")), Err(BundleError::NotAFingerprint(_))));
    two.nothing_is_left();
    let spelled = packed.fingerprint.replace('-', " ").to_ascii_uppercase();
    let taken = take(Some(&spelled)).unwrap();
    assert!(!taken.own && taken.added.len() == 1);
}

#[cfg(unix)]
#[test]
fn the_key_is_made_once_and_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let shelf = tempfile::tempdir().unwrap();
    let path = shelf.path().join("deep/key");
    let key = seal::house_key(&path).unwrap();
    assert_eq!(seal::house_key(&path).unwrap(), key);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(&path, "no key").unwrap();
    assert!(matches!(seal::house_key(&path), Err(BundleError::Key(_))), "a key is never replaced");
}

#[test]
fn any_changed_byte_is_refused() {
    let two = two(&["one"]);
    two.pack();
    let good = fs::read(two.bundle()).unwrap();
    let flip = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        fs::write(two.bundle(), bytes).unwrap();
    };
    let find = |needle: &[u8]| good.windows(needle.len()).position(|part| part == needle).unwrap();
    flip(find(&[7; 100]) + 50);
    two.refused("one/one.gguf is damaged");
    flip(find(b"\"licence\"") + 13);
    two.refused("changed after it was signed");
    flip(find(b"\"signature\": \"") + 20);
    two.refused("signature is damaged");
    flip(find(b"one/one.gguf\0"));
    two.refused("one/one.gguf is damaged");
    // Every byte that means something: a step that is prime to the blocks' size meets each field over time.
    for at in (0..good.len().min(4096)).step_by(37) {
        flip(at);
        if let Ok(taken) = two.unpack() {
            assert_eq!(fs::read(two.to.join("one/one.gguf")).unwrap(), body("one"), "byte {at}");
            assert!(taken.own);
            fs::remove_dir_all(&two.to).unwrap();
        } else {
            two.nothing_is_left();
        }
    }
}

#[test]
fn a_cut_off_bundle_is_refused_wherever_it_ends() {
    let two = two(&["one", "two"]);
    let bytes = two.pack().bytes as usize;
    let good = fs::read(two.bundle()).unwrap();
    // The last two blocks say no more than that this is the end.
    for at in (0..bytes - 1024).step_by(211) {
        fs::write(two.bundle(), &good[..at]).unwrap();
        let error = two.unpack().unwrap_err();
        let begins = matches!(error, BundleError::NotABundle { .. } | BundleError::CutOff { .. });
        assert!(begins, "at {at}: {error}");
        two.nothing_is_left();
    }
}

#[test]
fn entries_that_are_not_of_the_list_are_refused() {
    let two = two(&["one"]);
    let instead = |name: &'static str| two.forged(|_| {}, move |tar, _| entry(tar, name, &body("one")));
    for name in ["../one/one.gguf", "/one/one.gguf", "one/../one/one.gguf", "one/./one.gguf", "two/one.gguf", CONTENTS]
    {
        instead(name);
        two.refused("where one/one.gguf belongs");
    }
    two.forged(
        |_| {},
        |tar, models| {
            whole(tar, models);
            entry(tar, "one/more.gguf", b"more");
        },
    );
    two.refused("where its end belongs");
    two.forged(
        |_| {},
        |tar, models| {
            whole(tar, models);
            whole(tar, models);
        },
    );
    two.refused("where its end belongs");
    two.forged(|_| {}, |_, _| {});
    two.refused("cut off at one/one.gguf");
}

#[test]
fn links_and_entries_that_change_others_are_refused() {
    use tar::EntryType;
    let two = two(&["one"]);
    let kinds = [EntryType::Symlink, EntryType::Link, EntryType::Directory, EntryType::GNULongName, EntryType::XHeader];
    for kind in kinds.into_iter().chain([EntryType::GNUSparse, EntryType::Fifo, EntryType::XGlobalHeader]) {
        two.forged(
            |_| {},
            |tar, models| {
                let mut header = plain("one/one.gguf", 0);
                header.set_entry_type(kind);
                header.set_link_name("/etc/passwd").unwrap();
                header.set_cksum();
                tar.append(&header, std::io::empty()).unwrap();
                whole(tar, models);
            },
        );
        two.refused("no plain file");
    }
}

#[test]
fn sizes_are_those_of_the_list() {
    let two = two(&["one"]);
    let with = |bytes: Vec<u8>| two.forged(|_| {}, move |tar, _| entry(tar, "one/one.gguf", &bytes));
    with([body("one"), vec![7]].concat());
    two.refused("damaged");
    with(body("one")[..50].to_vec());
    two.refused("damaged");
    // A header that promises more than there is.
    two.forged(
        |contents| contents.models[0].files[0].size = 1 << 40,
        |tar, _| {
            let mut header = plain("one/one.gguf", 1 << 40);
            header.set_cksum();
            tar.append(&header, std::io::empty()).unwrap();
        },
    );
    let error = two.unpack().unwrap_err();
    assert!(matches!(error, BundleError::NoRoom { .. } | BundleError::CutOff { .. }), "{error}");
    two.nothing_is_left();
}

#[test]
fn a_list_that_says_what_cannot_be_is_refused() {
    let two = two(&["one"]);
    let changed = |change: fn(&mut Contents), words: &str| {
        two.forged(change, whole);
        two.refused(words);
    };
    changed(|contents| contents.format = 2, "newer Hearth");
    changed(|contents| contents.models.clear(), "names no model");
    changed(|contents| contents.models.push(contents.models[0].clone()), "twice");
    changed(|contents| contents.models[0].files.clear(), "no files");
    changed(|contents| contents.models[0].entry.id.0 = "../up".into(), "an id has");
    changed(|contents| contents.models[0].files[0].name = "../up".into(), "name cannot be taken");
    changed(|contents| contents.models[0].files[0].name = RECORD.into(), "name cannot be taken");
    changed(
        |contents| contents.models[0].entry.sources = vec![Source::Path { path: "/home".into() }],
        "folder of another machine",
    );
    fs::write(two.bundle(), body("one")).unwrap();
    two.refused("is not a bundle");
}

#[test]
fn other_bytes_do_not_pass_as_a_model_of_the_catalogue() {
    let two = two(&["one"]);
    two.pack();
    let mut catalogue = installed(&two.from).unwrap().remove(0).entry;
    catalogue.files[0].sha256 = Some(hearth_domain::BlobHash([1; 32]));
    let manifest = Manifest { models: vec![catalogue] };
    let taken = unpack(&two.bundle(), &two.to, &manifest, &two.key("a"), None, &Cancel::new(), &mut |_| {});
    assert!(matches!(taken, Err(BundleError::OtherBytes { .. })));
    two.nothing_is_left();
}

#[test]
fn what_is_not_whole_is_not_packed() {
    let two = two(&["one"]);
    let pack_to = |name: &str| {
        let models = installed(&two.from).unwrap();
        pack(&models, &two.shelf.path().join(name), &two.key("a"), &Cancel::new(), &mut |_| {}).unwrap_err()
    };
    let mut bytes = body("one");
    bytes[100] ^= 1;
    fs::write(two.from.join("one/one.gguf"), bytes).unwrap();
    assert!(matches!(pack_to("x.tar"), BundleError::NotWhole { .. }));
    fs::write(two.from.join("one/one.gguf"), b"cut").unwrap();
    assert!(matches!(pack_to("x.tar"), BundleError::NotWhole { .. }));
    fs::write(two.from.join("one/one.gguf"), body("one")).unwrap();
    two.pack();
    assert!(matches!(pack_to("bundle.tar"), BundleError::Exists(_)));
    let names: Vec<_> = fs::read_dir(two.shelf.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(
        !names.iter().any(|name| Path::new(name) == Path::new("x.tar") || name.to_string_lossy().ends_with(".part"))
    );
}
