//! Sending: the last look before the gate, the law at the gate, the money. What was shown is sent, or nothing.

use super::preview::{Preview, answered, may_refine};
use super::{Kept, find, preview as look, spend};
use crate::clock::now_ms;
use crate::kernel::{House, Open};
use crate::law::{Law, Sending};
use hearth_api as api;
use hearth_api::{Asked, Error, ErrorCode};
use hearth_domain::{Label, Trust, TurnId};
use hearth_egress::provider::{
    Amount, Answer, Failed, Message, Part, Provider, Question, Rate, Speaker, Terms, Tries, Trouble, write,
};
use hearth_egress::{Cancel, Gate, GateError, GateSettings, Outbound, Patience, Purpose, Verdict};
use hearth_policy::{Decision, Outcome};
use std::sync::Arc;

/// Bytes of a reply that are read, at most.
const REPLY_BYTES: u64 = 8 << 20;
/// What a test says, and what it may be answered.
const TEST: &str = "Say yes.";
const TEST_TOKENS: u32 = 16;

/// What is about to be sent, looked at for the last time.
pub(crate) struct Going {
    pub(crate) preview: Preview,
    /// With its key.
    pub(crate) provider: Provider,
    /// The rule under which it goes.
    pub(crate) rule: String,
    /// The reservation of its cost.
    pub(crate) spend: i64,
}

/// The law at the gate, for one thing that a person said yes to. It asks the policy again, at the moment of sending.
struct SendLaw {
    law: Arc<Law>,
    host: String,
    sending: Box<dyn Fn() -> Sending + Send + Sync>,
}

impl hearth_egress::Law for SendLaw {
    fn may(&self, outbound: &Outbound) -> Verdict {
        if outbound.host != self.host {
            let sentence = format!("{} is not where a person said this may go.", outbound.host);
            return Verdict::Deny { rule: "gate".to_owned(), sentence };
        }
        let decision = self.law.may_send((self.sending)());
        match decision.outcome {
            // A person saw it and said yes: that is how this came here.
            Outcome::Allow | Outcome::Ask => Verdict::Allow { rule: decision.rule.name },
            Outcome::Deny => Verdict::Deny { rule: decision.rule.name, sentence: decision.rule.sentence },
        }
    }
}

/// A gate to one provider, under a law that asks anew.
pub(crate) fn gate(
    house: &House,
    kept: &Kept,
    sending: impl Fn() -> Sending + Send + Sync + 'static,
) -> Result<Gate, GateError> {
    let law = SendLaw { law: Arc::clone(&house.law), host: kept.host(), sending: Box::new(sending) };
    let ledger = Arc::clone(&house.ledger) as Arc<dyn hearth_egress::Ledger>;
    Gate::new(Arc::new(law), ledger, Arc::new(now_ms), GateSettings::default())
}

/// Looks at everything once more, reserves the cost, and starts the turn that sends.
pub(crate) fn send(house: &Arc<House>, id: i64, text: &str, confirmed: bool) -> Result<Asked, Error> {
    let open = house.open()?;
    if !confirmed {
        return Err(Error::new(ErrorCode::Denied, "Nothing was sent: a person has to say yes to what was shown."));
    }
    let preview = open.remote.take(id).ok_or_else(|| {
        Error::new(ErrorCode::NotFound, "What was shown is not at hand any more. Nothing was sent.")
            .hint("Look at what would leave again.")
    })?;
    let going = check(house, &open, preview, text)?;
    crate::turn::remote::start(house, &open, going)
}

/// The last look: the text is the one that was shown, and everything still is as it was then.
pub(crate) fn check(house: &House, open: &Open, preview: Preview, text: &str) -> Result<Going, Error> {
    let again = |what: &str| {
        let error = Error::new(ErrorCode::Invalid, format!("{what} Nothing was sent."));
        error.hint("Look at what would leave again.")
    };
    if text != preview.text {
        return Err(again("The text is not the one that was shown."));
    }
    let kept = find(open, &preview.provider.id)?;
    if kept != preview.provider {
        return Err(again("The provider was changed since."));
    }
    let (turn, _, sources) = answered(open, preview.turn)?;
    may_refine(&turn)?;
    let as_shown = |(id, label): &(_, Label)| sources.iter().any(|row| row.id == *id && row.label <= *label);
    if !preview.passages.iter().all(as_shown) {
        return Err(again("A document was changed, or is more guarded now."));
    }
    let decision = house.law.may_send(preview.sending());
    if decision.outcome == Outcome::Deny {
        return Err(denied(&decision));
    }
    open.remote.may(&kept.id).map_err(|wait_ms| not_sent(&kept.name, &Trouble::Resting { wait_ms }))?;
    let provider = kept.with_key(open)?;
    let spend = spend::reserve(open, &kept, Some(preview.space), Some(preview.turn), preview.bound)?;
    Ok(Going { preview, provider, rule: decision.rule.name, spend })
}

fn denied(decision: &Decision) -> Error {
    let sentence = format!("Nothing was sent. Rule {}: {}", decision.rule.number, decision.rule.sentence);
    Error::new(ErrorCode::Denied, sentence).hint("The answer made here stands.")
}

/// A trouble at the door.
fn not_sent(name: &str, trouble: &Trouble) -> Error {
    Error::new(ErrorCode::Unavailable, format!("{name}: {trouble}.")).hint(trouble.hint())
}

/// Under which terms something goes.
pub(crate) fn terms(purpose: Purpose, label: Label, shown: hearth_domain::BlobHash) -> Terms {
    let (patience, tries) = (Patience::default(), Tries::default());
    Terms { purpose, label, shown, patience, tries, limit_bytes: REPLY_BYTES }
}

/// Notes how an exchange ended: what it cost, and whether the provider works. Gives the cost.
pub(crate) fn settle(
    open: &Open,
    kept: &Kept,
    spend: i64,
    (rate, bound): (&Rate, Amount),
    outcome: &Result<Answer, Failed>,
) -> Amount {
    let cost = match outcome {
        Ok(answer) => answer.usage.map_or(bound, |usage| rate.price.of(usage)),
        Err(failed) => match (&failed.trouble, failed.so_far.usage) {
            _ if failed.so_far.bytes_out == 0 => Amount(0),
            (_, Some(usage)) => rate.price.of(usage),
            // It was turned away before any work was done.
            (
                Trouble::Key
                | Trouble::Payment
                | Trouble::TooMany { .. }
                | Trouble::Overloaded { .. }
                | Trouble::Refused { .. },
                None,
            ) => Amount(0),
            (
                Trouble::Gate(GateError::Moved { .. } | GateError::Unreached { .. } | GateError::NotPublic { .. }),
                None,
            ) => Amount(0),
            // Whether it was worked on is not known: it counts at its most.
            _ => bound,
        },
    };
    // What can be counted only after may exceed what was thought the most; the next request meets it.
    if let Err(error) = open.store.write(|writer| writer.settle_spend(spend, cost.0)) {
        tracing::error!(%error, "what was spent stays counted at its most");
    }
    match outcome {
        Ok(_) => open.remote.ended(&kept.id, true),
        Err(failed) if failed.trouble.is_down() => open.remote.ended(&kept.id, false),
        // It answers, if only with a refusal.
        Err(_) => {}
    }
    cost
}

/// Sends a few fixed words, or says what would be sent.
pub(crate) fn test(house: &House, id: &str, confirmed: bool) -> Result<api::ProviderTest, Error> {
    let open = house.open()?;
    let kept = find(&open, id)?;
    let messages = vec![Message { speaker: Speaker::Person, parts: vec![Part::Text(TEST.to_owned())] }];
    let (tools, max_tokens) = (Vec::new(), TEST_TOKENS);
    let question = Question { system: String::new(), messages, tools, temperature: None, max_tokens };
    let written = write(&kept.without_key(), &question);
    let rate = kept.rate()?;
    let bound = rate.price.bound(written.body.len(), TEST_TOKENS);
    let (name, host, residency) = (kept.name.clone(), kept.host(), kept.residency.clone());
    let sending = move || Sending {
        provider: name.clone(),
        host: host.clone(),
        residency: residency.clone(),
        label: Label::Public,
        trust: Trust::User,
        text: TEST.to_owned(),
        space: None,
        turn: None,
    };
    let decision = house.law.may_send(sending());
    let mut said = api::ProviderTest {
        sent: false,
        works: None,
        sentence: format!("{} bytes would go to {}.", written.body.len(), kept.host()),
        body: String::from_utf8_lossy(&written.body).into_owned(),
        host: kept.host(),
        cost: format!("At most {bound}"),
        rule: (decision.outcome != Outcome::Allow).then(|| crate::law::rule(&decision.rule)),
    };
    if decision.outcome == Outcome::Deny {
        said.sentence = format!("Nothing was sent. {}", decision.rule.sentence);
        return Ok(said);
    }
    if !confirmed {
        return Ok(said);
    }
    open.remote.may(&kept.id).map_err(|wait_ms| not_sent(&kept.name, &Trouble::Resting { wait_ms }))?;
    let provider = kept.with_key(&open)?;
    let spend = spend::reserve(&open, &kept, None, None, bound)?;
    let terms = Terms {
        tries: Tries { most: 1, ..Tries::default() },
        ..terms(Purpose::ProviderTest, Label::Public, written.hash)
    };
    let outcome = match gate(house, &kept, sending) {
        Ok(gate) => hearth_egress::provider::send(&gate, &provider, &written, &terms, &Cancel::new(), &mut |_| {}),
        Err(error) => Err(Failed { trouble: error.into(), so_far: Box::default() }),
    };
    let cost = settle(&open, &kept, spend, (&rate, bound), &outcome);
    said.cost = cost.to_string();
    let (sent, works, sentence) = match &outcome {
        Ok(answer) => {
            (true, true, format!("{} answers: {} bytes out, {} in.", kept.name, answer.bytes_out, answer.bytes_in))
        }
        Err(failed) => {
            let sentence = format!("{} does not answer: {}. {}", kept.name, failed.trouble, failed.trouble.hint());
            (failed.so_far.bytes_out > 0, false, sentence)
        }
    };
    (said.sent, said.works, said.sentence) = (sent, Some(works), sentence);
    let note =
        format!("Tested {} at {}: {}", kept.name, kept.host(), if works { "it answers" } else { "it does not answer" });
    let (bytes_out, bytes_in) = match &outcome {
        Ok(answer) => (answer.bytes_out, answer.bytes_in),
        Err(failed) => (failed.so_far.bytes_out, failed.so_far.bytes_in),
    };
    let detail = serde_json::json!({ "provider": kept.id, "host": kept.host(), "model": kept.model, "bytes_out": bytes_out,
        "bytes_in": bytes_in, "cost_micro": cost, "rule": decision.rule.name, "sha256": written.hash.to_string() });
    house.note("provider.tested", note, None, detail);
    house.events.stale(&["ListProviders", "GetPrivacy"]);
    house.tell_status();
    Ok(said)
}

/// A person's look at what would leave.
pub(crate) fn show(house: &House, command: api::PreviewRemote) -> Result<api::RemotePreview, Error> {
    let api::PreviewRemote { turn, provider, text, hide } = command;
    look(house, super::preview::Wanted { turn: TurnId(turn), provider, text, hide })
}
