//! Behaviour of the store as a whole: what is found and not found, what survives, what is refused.

mod damage;
mod house;
mod property;
mod record;
mod reindex;
mod search;
mod spending;
mod held;
mod tampering;
mod vaults;
