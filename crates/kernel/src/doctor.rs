//! What works on this machine and what does not, with what to do.

use crate::kernel::House;
use crate::recognize::{Recognizer, how_to_install};
use hearth_api::Finding;
use hearth_domain::Role;
use hearth_store::Finding as Damage;

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
        None => note("vault", true, "locked or not made yet: its inside was not looked at".into()),
        Some(open) => {
            for conflict in crate::remote::conflicts(house, &open) {
                note("mode", false, format!("{conflict} Remove it, or choose another mode."));
            }
            match open.store.check() {
                Ok(findings) if findings.is_empty() => {
                    note("vault", true, "whole: pages, indexes and counts agree".into())
                }
                Ok(findings) => note("vault", false, findings.iter().map(sentence).collect::<Vec<_>>().join("; ")),
                Err(error) => note("vault", false, error.to_string()),
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
