//! What a person chose for the interface, kept in the vault.

use crate::error;
use crate::kernel::Open;
use hearth_api::{Error, ErrorCode, Settings};
use std::sync::atomic::Ordering;

const KEY: &str = "interface";
/// Minutes without use after which the vault locks, until a person says otherwise; 0 is never.
const LOCK_AFTER_MINUTES: u32 = 0;

/// The settings as kept.
pub(crate) fn load(open: &Open) -> Result<Settings, Error> {
    let kept = open.store.read(|reader| reader.setting(KEY)).map_err(error::store)?;
    Ok(kept.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default())
}

/// Changes the settings that are given.
pub(crate) fn change(open: &Open, changed: Settings) -> Result<Settings, Error> {
    if changed.text_percent.is_some_and(|percent| !(90..=140).contains(&percent)) {
        return Err(Error::new(ErrorCode::Invalid, "Text sizes go from 90 to 140 percent."));
    }
    if changed.answer_within_s.is_some_and(|seconds| seconds > 3_600) {
        return Err(Error::new(ErrorCode::Invalid, "An answer within an hour is the longest that can be chosen."));
    }
    if changed.keep_traces_days.is_some_and(|days| days > 36_500) {
        return Err(Error::new(ErrorCode::Invalid, "Traces are kept for at most 36,500 days, or for ever (0)."));
    }
    if changed.theme.as_deref().is_some_and(|theme| !["system", "light", "dark"].contains(&theme)) {
        return Err(Error::new(ErrorCode::Invalid, "There is no such theme."));
    }
    let kept = load(open)?;
    let merged = Settings {
        theme: changed.theme.or(kept.theme),
        text_percent: changed.text_percent.or(kept.text_percent),
        single_key_shortcuts: changed.single_key_shortcuts.or(kept.single_key_shortcuts),
        announce: changed.announce.or(kept.announce),
        lock_after_minutes: changed.lock_after_minutes.or(kept.lock_after_minutes),
        answer_within_s: changed.answer_within_s.or(kept.answer_within_s),
        keep_traces_days: changed.keep_traces_days.or(kept.keep_traces_days),
        review_low_support: changed.review_low_support.or(kept.review_low_support),
        last_space: changed.last_space.or(kept.last_space),
        welcomed: changed.welcomed.or(kept.welcomed),
        panes: match (kept.panes, changed.panes) {
            (Some(mut kept), Some(changed)) => {
                kept.extend(changed);
                Some(kept)
            }
            (kept, changed) => changed.or(kept),
        },
    };
    let value = serde_json::to_value(&merged).map_err(error::internal)?;
    open.store.write(|writer| writer.set_setting(KEY, &value)).map_err(error::store)?;
    apply(open, &merged);
    Ok(merged)
}

/// Puts what was chosen into force.
pub(crate) fn apply(open: &Open, settings: &Settings) {
    let minutes = settings.lock_after_minutes.unwrap_or(LOCK_AFTER_MINUTES);
    open.lock_after_minutes.store(i64::from(minutes), Ordering::SeqCst);
}
