//! `hearth review`: answers that wait for a person, and what the person says to them.

use crate::end::End;
use crate::house::{House, space};
use crate::out::Out;
use clap::Subcommand;
use hearth_api::{
    AnswerReview, AssignReview, DismissReview, Error, ErrorCode, HandToPerson, Handler, ListReviews, ReopenReview,
    ReviewState,
};
use std::io::{IsTerminal, Read};

#[derive(Debug, Subcommand)]
pub(crate) enum Review {
    /// What waits for a person.
    List {
        /// The space, by name or id; the first one without.
        #[arg(long)]
        space: Option<String>,
        /// Also what was answered or let go.
        #[arg(long)]
        all: bool,
    },
    /// Hand an answer to a person.
    Add {
        /// The turn's number, as `audit export` and the Activity screen show it.
        turn: i64,
        /// Who is to look at it.
        #[arg(long, value_name = "NAME")]
        to: Option<String>,
    },
    /// Say who is to look at one.
    Assign {
        /// Its number.
        review: i64,
        /// The name; nobody in particular without.
        name: Option<String>,
    },
    /// Answer one. The answer becomes a document that later questions find and cite.
    Answer {
        /// Its number.
        review: i64,
        /// The answer; from standard input without.
        text: Option<String>,
        /// Who answers.
        #[arg(long, value_name = "NAME")]
        by: String,
    },
    /// Let one go.
    Dismiss {
        /// Its number.
        review: i64,
    },
    /// Take up one that was let go.
    Reopen {
        /// Its number.
        review: i64,
    },
}

pub(crate) fn run(kernel: &House, what: Review, out: &Out) -> Result<End, Error> {
    let changed = match what {
        Review::List { space: wanted, all } => {
            let space = space(kernel, wanted.as_deref())?.id;
            let reviews = kernel.handle(ListReviews { space, all })?;
            out.value(&reviews);
            reviews.iter().for_each(|review| out.line(line(review)));
            return Ok(if reviews.is_empty() { End::Nothing } else { End::Done });
        }
        Review::Add { turn, to } => kernel.handle(HandToPerson { turn, to })?,
        Review::Assign { review, name } => kernel.handle(AssignReview { review, to: name })?,
        Review::Answer { review, text, by } => {
            let answer = text.map_or_else(said, Ok)?;
            let answered = kernel.handle(AnswerReview { review, answer, by })?;
            if let Some(job) = answered.job {
                kernel.wait_for_jobs(&[job], &mut |_| {})?;
            }
            answered
        }
        Review::Dismiss { review } => kernel.handle(DismissReview { review })?,
        Review::Reopen { review } => kernel.handle(ReopenReview { review })?,
    };
    out.value(&changed);
    out.line(line(&changed));
    Ok(End::Done)
}

fn line(review: &hearth_api::Review) -> String {
    let state = match (review.state, &review.assigned, &review.answered_by) {
        (ReviewState::Open, Some(name), _) => format!("waits for {name}"),
        (ReviewState::Open, None, _) => "waits for a person".to_owned(),
        (ReviewState::Answered, _, Some(name)) => format!("answered by {name}"),
        (ReviewState::Answered, _, None) => "answered".to_owned(),
        (ReviewState::Dismissed, ..) => "let go".to_owned(),
    };
    format!("{:>4}  {state}: {}", review.id, review.question)
}

/// An answer from standard input.
fn said() -> Result<String, Error> {
    if std::io::stdin().is_terminal() {
        return Err(Error::new(ErrorCode::Invalid, "There is no answer.")
            .hint("Give it after the number, or on standard input."));
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|why| Error::new(ErrorCode::Invalid, format!("Standard input cannot be read: {why}.")))?;
    Ok(text)
}
