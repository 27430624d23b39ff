//! Behaviour of the store as a whole: what is found and not found, what survives, what is refused.

mod damage;
mod held;
mod house;
mod property;
mod record;
mod reindex;
mod search;
mod spending;
mod tampering;
mod vaults;
