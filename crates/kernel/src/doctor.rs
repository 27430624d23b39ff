//! What works on this machine and what does not, with what to do.

use crate::kernel::House;
use crate::models::Installed;
use crate::recognize::{Recognizer, how_to_install};
use hearth_api::Finding;
use hearth_domain::Role;
use hearth_store::Finding as Damage;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;

/// Looks at everything that an answer needs.
pub(crate) fn examine(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut note = |name: &str, works: bool, detail: String| found.push(Finding { name: name.into(), works, detail });
    let memory = crate::machine::memory();
    note(
        "machine",
        true,
        format!(
            "{} cores, {} of memory, {} free",
            crate::machine::cores(),
            crate::view::gb(memory.total),
            crate::view::gb(memory.available)
        ),
    );
    let free = crate::machine::disk_free(&house.config.data_dir);
    note(
        "disk",
        free > (1 << 30),
        format!("{} free where Hearth keeps its data ({})", crate::view::gb(free), house.config.data_dir.display()),
    );
    for guard in hearth_sandbox::probe() {
        note(&format!("guard: {}", guard.name), guard.enforced, guard.detail);
    }
    let keyring = hearth_store::device_available();
    // Without a keyring nothing is amiss: a passphrase locks the vault then.
    let held = if keyring { "can hold the vault's key" } else { "there is none here: a passphrase locks the vault" };
    note("keyring", true, held.into());
    for (role, name) in [(Role::Chat, "chat model"), (Role::Embed, "embedder")] {
        match house.models.for_role(role) {
            Err(error) => note(name, false, error.to_string()),
            Ok(model) => match house.schedule.engine(house, &model) {
                Ok(engine) => {
                    let info = engine.info();
                    note(
                        name,
                        true,
                        format!(
                            "{} loads: {} {}, {} threads, {}",
                            model.name, info.architecture, info.quantization, info.threads, info.kernel
                        ),
                    );
                }
                Err(error) => note(name, false, error.to_string()),
            },
        }
    }
    for model in house.models.installed() {
        let (works, detail) = whole(&model);
        note(&format!("model {}", model.id), works, detail);
    }
    match house.readers.read("probe.txt", b"A line of text.".to_vec(), None, &mut |_, _| true) {
        Ok(_) => note("reader process", true, "reads a file behind its walls".into()),
        Err(error) => note("reader process", false, error.to_string()),
    }
    match Recognizer::find(&house.config.recognizer) {
        Ok(found) => {
            let languages = found.languages.join(", ");
            note(
                "text recognition",
                true,
                format!("tesseract {} reads scans and pictures in: {languages}", found.version),
            );
        }
        // Nothing else is amiss without it.
        Err(why) => {
            note("text recognition", true, format!("scans and pictures are not read: {why}. {}", how_to_install()))
        }
    }
    match house.peek() {
        None if !crate::vault::has_vault(&house.config.data_dir) => {
            note("vault", true, "none was made here yet".into())
        }
        None => note(
            "vault",
            true,
            "not looked into, because it is locked: set HEARTH_PASSPHRASE and ask again to have it checked".into(),
        ),
        Some(open) => {
            for conflict in crate::remote::conflicts(house, &open) {
                note("mode", false, format!("{conflict} Remove it, or choose another mode."));
            }
            match crate::repair::damages(&open) {
                Ok((findings, 0)) if findings.is_empty() => {
                    note("vault", true, "whole: pages, indexes and counts agree".into())
                }
                Ok((findings, waiting)) if findings.is_empty() => {
                    let passages = crate::view::count(waiting, "passage", "passages");
                    note("vault", true, format!("whole; {passages} found by words alone until they are embedded"))
                }
                Ok((findings, _)) => note("vault", false, findings.iter().map(sentence).collect::<Vec<_>>().join("; ")),
                Err(error) => note("vault", false, crate::error::store(error).to_string()),
            }
            match crate::activity::verify(&open) {
                Ok(check) => match check.broken {
                    None => note("record", true, format!("intact, {} entries", check.entries)),
                    Some(broken) => note("record", false, format!("broken at entry {}: {}", broken.seq, broken.why)),
                },
                Err(error) => note("record", false, error.to_string()),
            }
        }
    }
    found
}

/// Whether the files of a model are still, byte by byte, those that were fetched or added. Reading them all takes seconds,
/// which is why nothing else does so.
fn whole(model: &Installed) -> (bool, String) {
    let again = match model.elsewhere.is_some() {
        true => format!("Remove it (`hearth models remove {0}`) and add it again.", model.id),
        false => {
            format!("Remove it (`hearth models remove {0}`) and get it again (`hearth models get {0}`).", model.id)
        }
    };
    if !model.broken.is_empty() {
        return (
            false,
            format!("{} is damaged: {} is missing or cut off. {again}", model.name, model.broken.join(", ")),
        );
    }
    let Some(known) = &model.sha256 else {
        return (true, format!("{} is of the length that it had; what else it was is not known", model.name));
    };
    let file = model.weights.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match sha256_of_file(&model.weights) {
        Ok(found) if found == *known => (true, format!("{} is whole ({file})", model.name)),
        Ok(_) => (false, format!("{} is damaged: {file} has other bytes than it had. {again}", model.name)),
        Err(error) => (false, format!("{} cannot be read ({file}: {error}). {again}", model.name)),
    }
}

fn sha256_of_file(path: &Path) -> std::io::Result<String> {
    let (mut file, mut hasher, mut buffer) = (std::fs::File::open(path)?, Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hearth_domain::BlobHash(hasher.finalize().into()).to_string()),
            n => hasher.update(buffer.get(..n).unwrap_or_default()),
        }
    }
}

/// What is damaged, in words.
fn sentence(damage: &Damage) -> String {
    match damage {
        Damage::Page(why) => format!("a page of the file is damaged ({why})"),
        Damage::Unreadable { table, derived: true } => {
            format!("rows of {table} cannot be read; they are made again from what is kept")
        }
        Damage::Unreadable { table, derived: false } => format!("rows of {table} cannot be read"),
        Damage::FullText { missing, left_over } => {
            format!("{missing} passages without full text, {left_over} texts without passage")
        }
        Damage::Vector(passage) => format!("the vector of passage {passage} is not what was written"),
        Damage::LeftOverVector(passage) => format!("a vector without its passage {passage}"),
        Damage::Blob(hash) => format!("the kept bytes {hash} are not what was written"),
        Damage::Audit(broken) => {
            format!("the record is broken at entry {}: {}", broken.seq, crate::activity::flaw(broken.why))
        }
    }
}
