//! What must always hold of the house as it is written and built: which way its rooms know each other, what each may
//! touch, whose code it carries, what its page and programs may reach. Nothing here tests what the house does.
#![allow(clippy::disallowed_methods)] // these tests start cargo, unshare and strace, and read the whole checkout

mod floors;
mod licences;
mod offline;
mod page;
mod source;
mod tidy;
mod walls;
