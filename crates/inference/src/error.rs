//! What can go wrong with a model file or a request. Not the words a person reads: those are written by the kernel.

use crate::wire::{Failure, FailureCode};

/// A failure of loading a model or of answering one request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {what}: {source}")]
    Io {
        /// The file or the part of it.
        what: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is cut off, lies about its contents, or is not what its name says.
    #[error("damaged model file: {0}")]
    Damaged(String),
    /// The file is sound but of a kind that this engine does not run.
    #[error("unsupported model: {0}")]
    Unsupported(String),
    /// The prompt does not fit into the model's context.
    #[error("the prompt has {prompt_tokens} tokens and the context holds {n_ctx}")]
    TooLong {
        /// Tokens of the rendered prompt.
        prompt_tokens: u32,
        /// Tokens that the context holds, one of which is kept for the answer.
        n_ctx: u32,
    },
    /// The KV cache would exceed its budget.
    #[error("the conversation needs {needed_bytes} bytes of KV cache and {budget_bytes} are allowed")]
    Memory {
        /// Bytes needed.
        needed_bytes: u64,
        /// Bytes allowed.
        budget_bytes: u64,
    },
    /// The request makes no sense for the loaded model.
    #[error("bad request: {0}")]
    Request(String),
    /// The request was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The graphics processor failed, or its memory did not suffice.
    #[error("the graphics processor failed: {0}")]
    Device(String),
}

impl Error {
    /// Builds an `Io` error that names what was being read.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// Says of weights that did not arrive the same once more; other failures become `Device`.
    pub fn again(&self) -> Self {
        match self {
            Self::Io { what, source } => {
                Self::Io { what: what.clone(), source: std::io::Error::new(source.kind(), source.to_string()) }
            }
            Self::Damaged(why) => Self::Damaged(why.clone()),
            Self::Unsupported(why) => Self::Unsupported(why.clone()),
            Self::Cancelled => Self::Cancelled,
            other => Self::Device(other.to_string()),
        }
    }

    /// Returns the form that crosses the process boundary.
    pub fn failure(&self) -> Failure {
        let code = match self {
            Self::Io { .. } => FailureCode::Io,
            Self::Damaged(_) => FailureCode::Damaged,
            Self::Unsupported(_) => FailureCode::Unsupported,
            Self::TooLong { prompt_tokens, n_ctx } => {
                FailureCode::TooLong { prompt_tokens: *prompt_tokens, n_ctx: *n_ctx }
            }
            Self::Memory { needed_bytes, budget_bytes } => {
                FailureCode::Memory { needed_bytes: *needed_bytes, budget_bytes: *budget_bytes }
            }
            Self::Request(_) => FailureCode::Request,
            Self::Cancelled => FailureCode::Cancelled,
            Self::Device(_) => FailureCode::Internal,
        };
        Failure { code, message: self.to_string() }
    }
}
