//! What can go wrong with a provider, and what to do about it.

use crate::gate::GateError;
use serde_json::Value;

/// The longest message of a provider that is passed on, letters.
const SAID: usize = 200;

/// Why no answer came. Nothing of it holds the key or the text that was sent.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The person stopped it.
    #[error("it was stopped")]
    Stopped,
    /// The gate did not let it through, or the network failed.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The key is missing or not taken.
    #[error("the key was not taken")]
    Key,
    /// The account has no money left there.
    #[error("the account with the provider has nothing left to spend")]
    Payment,
    /// Too many requests.
    #[error("too many requests for now")]
    TooMany {
        /// When to try again, where it says so.
        after_s: Option<u64>,
    },
    /// It is up, and has no room.
    #[error("it is overloaded")]
    Overloaded {
        /// When to try again, where it says so.
        after_s: Option<u64>,
    },
    /// It failed inside.
    #[error("it failed with status {status}")]
    Server {
        /// The HTTP status.
        status: u16,
    },
    /// It does not take the request.
    #[error("it does not take the request (status {status}): {said}")]
    Refused {
        /// The HTTP status; 0 where it came in the middle of the stream.
        status: u16,
        /// In its own words, shortened.
        said: String,
    },
    /// Its content filter stopped it.
    #[error("its content filter stopped the answer")]
    Filtered,
    /// What it sent is not an answer.
    #[error("what it sent is not an answer: {0}")]
    Garbage(String),
    /// The answer broke off.
    #[error("its answer broke off")]
    Cut,
    /// It answered too late, or fell silent.
    #[error("it did not answer in time")]
    Slow,
    /// It failed several times in a row and is left alone for now.
    #[error("it failed several times in a row and is left alone for {} more seconds", .wait_ms.div_ceil(1000))]
    Resting {
        /// How long still, milliseconds.
        wait_ms: u64,
    },
}

impl Trouble {
    /// An error status with its body. `after_s` is the header that says when to try again.
    pub(super) fn status(status: u16, body: &[u8], after_s: Option<u64>) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        // Some send a list with one error in it.
        let body = match &body {
            Value::Array(list) => list.first().unwrap_or(&Value::Null),
            other => other,
        };
        let error = body.get("error").filter(|error| error.is_object()).unwrap_or(body);
        if let Some(trouble) = Self::by_word(error, after_s) {
            return trouble;
        }
        match status {
            401 | 403 => Trouble::Key,
            402 => Trouble::Payment,
            429 => Trouble::TooMany { after_s },
            408 | 504 => Trouble::Slow,
            503 | 529 => Trouble::Overloaded { after_s },
            500.. => Trouble::Server { status },
            _ => Trouble::Refused { status, said: words(error) },
        }
    }

    /// An error that came in the middle of the stream.
    pub(super) fn said(error: &Value) -> Self {
        let status = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        match (Self::by_word(error, None), status) {
            (Some(trouble), _) => trouble,
            (None, Some(429)) => Trouble::TooMany { after_s: None },
            (None, Some(status @ 500..)) => Trouble::Server { status },
            (None, status) => Trouble::Refused { status: status.unwrap_or(0), said: words(error) },
        }
    }

    /// By the word that the provider's format has for it.
    fn by_word(error: &Value, after_s: Option<u64>) -> Option<Self> {
        let words = ["type", "code", "status"].map(|key| error.get(key).and_then(Value::as_str).unwrap_or_default());
        let any = |known: &[&str]| words.iter().any(|word| known.contains(word));
        if any(&["authentication_error", "invalid_api_key", "permission_error", "UNAUTHENTICATED", "PERMISSION_DENIED"])
        {
            return Some(Trouble::Key);
        }
        if any(&["insufficient_quota", "billing_error", "billing_hard_limit_reached"]) {
            return Some(Trouble::Payment);
        }
        if any(&["rate_limit_error", "rate_limit_exceeded", "RESOURCE_EXHAUSTED"]) {
            return Some(Trouble::TooMany { after_s });
        }
        if any(&["overloaded_error", "UNAVAILABLE"]) {
            return Some(Trouble::Overloaded { after_s });
        }
        if any(&["timeout_error", "gateway_timeout_error", "DEADLINE_EXCEEDED"]) {
            return Some(Trouble::Slow);
        }
        if any(&["api_error", "server_error", "INTERNAL"]) {
            return Some(Trouble::Server { status: 500 });
        }
        any(&["content_filter", "content_policy_violation"]).then_some(Trouble::Filtered)
    }

    /// Whether it is certain that no byte of the request left, and the next try may reach the other side.
    pub(super) fn never_left(&self) -> bool {
        matches!(self, Trouble::Gate(GateError::Unreached { .. }))
    }

    /// Whether the same request may do better a little later.
    pub fn may_pass(&self) -> bool {
        let network = matches!(
            self,
            Trouble::Gate(GateError::Network { .. } | GateError::Unreached { .. } | GateError::Late { .. })
                | Trouble::Slow
                | Trouble::Cut
        );
        let theirs = matches!(self, Trouble::TooMany { .. } | Trouble::Overloaded { .. } | Trouble::Server { .. });
        network || theirs || matches!(self, Trouble::Garbage(_))
    }

    /// Whether it tells that the provider does not work at the moment, whatever it is asked.
    pub fn is_down(&self) -> bool {
        self.may_pass() && !matches!(self, Trouble::TooMany { .. })
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Trouble::Stopped => "The answer made here stands.",
            Trouble::Gate(GateError::NotPublic { .. }) => {
                "A server on your own network is added as an OpenAI-compatible one, by its own address."
            }
            Trouble::Gate(GateError::Moved { .. } | GateError::Address(_)) => "Check the provider's address.",
            Trouble::Gate(GateError::Ledger(_)) => "Make room on the disk, and try again.",
            Trouble::Gate(GateError::NotShown) => "Look at what would leave again, and send that.",
            Trouble::Gate(_) => "Check the network and the provider's address.",
            Trouble::Key => "Give the provider's key again.",
            Trouble::Payment => "Look at the account with the provider.",
            Trouble::TooMany { .. } | Trouble::Overloaded { .. } | Trouble::Resting { .. } => "Try again later.",
            Trouble::Refused { .. } => "Check the model's name, and ask for less text.",
            Trouble::Filtered => "The answer made here stands; another provider may answer.",
            Trouble::Server { .. } | Trouble::Garbage(_) | Trouble::Cut | Trouble::Slow => {
                "Try again, or ask another provider."
            }
        }
    }
}

/// What an error says, in one line without signs that do not show.
fn words(error: &Value) -> String {
    let said = ["message", "detail"].iter().find_map(|key| match error.get(*key)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    });
    let said = said.unwrap_or_else(|| "it says no more".to_owned());
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(SAID).collect()
}
