//! `hearth models pack` and `unpack`: models for machines that are never online.

use crate::end::End;
use crate::house::House;
use crate::out::{Out, size};
use hearth_api::Error;
use std::path::{self, Path};

/// Packs models into a file.
pub(crate) fn pack(house: &House, ids: &[String], to: &Path, out: &Out) -> Result<End, Error> {
    let to = path::absolute(to).unwrap_or_else(|_| to.to_owned());
    let packed = house.pack_models(ids, &to, &mut told(out))?;
    out.doing("");
    out.line(format!("Packed {} into {} ({})", packed.models.join(", "), to.display(), size(packed.bytes)));
    out.line(format!("Fingerprint of this house: {}", packed.fingerprint));
    out.value(&packed);
    Ok(End::Done)
}

/// Unpacks a file.
pub(crate) fn unpack(house: &House, from: &Path, trusted: Option<&str>, out: &Out) -> Result<End, Error> {
    let from = path::absolute(from).unwrap_or_else(|_| from.to_owned());
    let unpacked = house.unpack_models(&from, trusted, &mut told(out))?;
    out.doing("");
    for id in &unpacked.added {
        out.line(format!("Added {id}"));
    }
    for id in &unpacked.kept {
        out.line(format!("{id} is installed already and stays as it is"));
    }
    let whose = if unpacked.own { "this house" } else { "the house that packed it" };
    out.line(format!("Fingerprint of {whose}: {}", unpacked.fingerprint));
    out.value(&unpacked);
    Ok(End::Done)
}

fn told(out: &Out) -> impl FnMut(&str, u64, u64) {
    |name, done, total| out.doing(&format!("{name}: {} of {}", size(done), size(total)))
}
