//! Named files only, by Landlock: what is not named cannot be opened, and nothing can be written or run.

use crate::confine::{ConfineError, Devices};
use crate::spawn::Walls;
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// The newest Landlock this room was tried with; an older kernel enforces what it knows of it.
const NEWEST: ABI = ABI::V7;

/// Restricts the calling thread. Says whether reading and writing are restricted.
pub(super) fn only(
    read_only: &[PathBuf],
    devices: &Devices,
    network: bool,
    notes: &mut Vec<String>,
) -> Result<bool, ConfineError> {
    let wall = |error: landlock::RulesetError| ConfineError::Wall { wall: "named files", reason: error.to_string() };
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(NEWEST)))
        .map_err(wall)?;
    if !network {
        ruleset = ruleset.handle_access(AccessNet::from_all(NEWEST)).map_err(wall)?;
    }
    let mut created = ruleset.create().map_err(wall)?;
    for path in read_only.iter().chain(&devices.read_only) {
        let lost = |reason: String| ConfineError::Path { path: path.clone(), reason };
        let folder = path.metadata().map_err(|error| lost(error.to_string()))?.is_dir();
        let opened = PathFd::new(path).map_err(|error| lost(error.to_string()))?;
        let access = if folder { AccessFs::ReadFile | AccessFs::ReadDir } else { AccessFs::ReadFile.into() };
        created = created.add_rule(PathBeneath::new(opened, access)).map_err(wall)?;
    }
    for path in &devices.nodes {
        let lost = |reason: String| ConfineError::Path { path: path.clone(), reason };
        let opened = PathFd::new(path).map_err(|error| lost(error.to_string()))?;
        let access = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
        created = created.add_rule(PathBeneath::new(opened, access)).map_err(wall)?;
    }
    let status = created.restrict_self().map_err(wall)?;
    let abi = match status.landlock {
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            format!("Landlock ABI {}", kernel_abi.unwrap_or(effective_abi as i32))
        }
        LandlockStatus::NotEnabled => "Landlock is switched off in this kernel".to_owned(),
        _ => "this kernel has no Landlock".to_owned(),
    };
    let held = status.ruleset != RulesetStatus::NotEnforced;
    notes.push(match status.ruleset {
        RulesetStatus::FullyEnforced => format!("Only named files can be read and none written ({abi})."),
        RulesetStatus::PartiallyEnforced => {
            format!("Only named files can be read and none written; an older kernel leaves finer walls out ({abi}).")
        }
        RulesetStatus::NotEnforced => format!("Files are not walled off for reading: {abi}."),
    });
    Ok(held)
}

/// The walls around a program that is going to be started, made by its parent. `None` where this kernel has none.
pub(super) fn ruleset(walls: &Walls) -> Result<Option<OwnedFd>, String> {
    let wall = |error: landlock::RulesetError| error.to_string();
    let mut created = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(NEWEST)))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .map_err(wall)?;
    let read = walls.read_only.iter().map(|path| (path, false));
    for (path, run) in read.chain(walls.run.iter().map(|path| (path, true))) {
        let (Ok(meta), Ok(opened)) = (path.metadata(), PathFd::new(path)) else { continue };
        let read = if meta.is_dir() { AccessFs::ReadFile | AccessFs::ReadDir } else { AccessFs::ReadFile.into() };
        let access = if run { read | AccessFs::Execute } else { read };
        created = created.add_rule(PathBeneath::new(opened, access)).map_err(wall)?;
    }
    Ok(created.into())
}
