//! What may be said of rules, modes, grants and labels.

use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

/// `hearth policy`.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Show the mode, every rule and every grant.
    Show,
    /// Choose the mode.
    Mode {
        /// Which.
        #[arg(value_enum)]
        mode: ModeName,
    },
    /// Take rules of your own from a file (Cedar) in place of those before; an empty file takes them away.
    Set {
        /// The file.
        file: PathBuf,
    },
    /// Add rules (Cedar) from a file to your own.
    Add {
        /// The file.
        file: PathBuf,
    },
    /// Take one of your own rules away.
    Remove {
        /// Its name.
        name: String,
    },
    /// Look at an organization's policy in a file, signed or not. Changes nothing.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Sign an organization's policy (TOML) with the key of this house.
    Pack {
        /// The policy.
        file: PathBuf,
        /// The file to make.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Load an organization's signed policy. It holds from then on; only a newer one of the same key takes its place.
    Load {
        /// The file.
        file: PathBuf,
        /// The fingerprint that `pack` showed where it was signed; needed once.
        #[arg(long, value_name = "FINGERPRINT")]
        trust: Option<String>,
    },
    /// List grants that hold.
    Grants,
    /// Say the least that everything in a space has; what is less guarded in it rises.
    Space {
        /// The space, by name or id.
        space: String,
        /// The label.
        #[arg(value_enum)]
        label: LabelName,
        /// Also where that is lower than it was.
        #[arg(long)]
        lower: bool,
    },
    /// Say what rules in a file would have decided of the requests of the last thirty days. Changes nothing.
    Try {
        /// The file.
        file: PathBuf,
        /// Also of sending this text.
        #[arg(long)]
        text: Option<String>,
    },
    /// Allow something that would be asked, until a time.
    Grant {
        /// The action, such as send, fetch_page, call_tool, export.
        action: String,
        /// To this provider, host or tool only.
        #[arg(long)]
        thing: Option<String>,
        /// In this space only, by name or id.
        #[arg(long)]
        space: Option<String>,
        /// Up to this label.
        #[arg(long, value_enum, default_value = "internal")]
        label: LabelName,
        /// For so many hours.
        #[arg(long, default_value_t = 24)]
        hours: u32,
        /// Also while text from the web or from a tool is in play.
        #[arg(long)]
        untrusted: bool,
    },
    /// Withdraw a grant.
    Withdraw {
        /// Its number, as `show` lists it.
        grant: i64,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ModeName {
    Offline,
    LocalOnly,
    AskBeforeRemote,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LabelName {
    Public,
    Internal,
    Confidential,
    Restricted,
}

impl From<LabelName> for hearth_api::Label {
    fn from(name: LabelName) -> Self {
        match name {
            LabelName::Public => Self::Public,
            LabelName::Internal => Self::Internal,
            LabelName::Confidential => Self::Confidential,
            LabelName::Restricted => Self::Restricted,
        }
    }
}
