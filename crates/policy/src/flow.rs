//! How guarded a text is and how far it is believed, together, and how both go over to what is made from it: the highest
//! label and the lowest trust of all parts, through answers, summaries, memories and tools' replies alike.

use hearth_domain::{Label, Trust};
use serde::{Deserialize, Serialize};

/// A text's label and trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Standing {
    /// How guarded it is.
    pub label: Label,
    /// How far it is believed.
    pub trust: Trust,
}

impl Standing {
    /// What a person typed just now.
    pub const TYPED: Standing = Standing { label: Label::Internal, trust: Trust::User };

    /// A text with these.
    pub fn new(label: Label, trust: Trust) -> Self {
        Self { label, trust }
    }

    /// Both texts together, and whatever is made from them.
    #[must_use]
    pub fn and(self, other: Standing) -> Self {
        Self { label: self.label.max(other.label), trust: self.trust.min(other.trust) }
    }

    /// What is made from a person's words and these parts.
    pub fn of(parts: impl IntoIterator<Item = Standing>) -> Self {
        parts.into_iter().fold(Self::TYPED, Self::and)
    }
}

#[cfg(test)]
mod tests {
    use crate::decide::decide;
    use crate::flow::Standing;
    use crate::grant::Grant;
    use crate::request::{Action, ActionKind, Effect, Mode, Request, Who};
    use crate::rules::{Outcome, RuleSet};
    use hearth_domain::{Label, Trust};
    use proptest::prelude::*;
    use std::cell::RefCell;
    use std::collections::HashMap;

    /// One step of a plan. Numbers choose among the texts that there are by then.
    #[derive(Debug, Clone)]
    enum Step {
        Read(Label, Trust),
        Make(Vec<usize>),
        Call(usize, Effect),
        Fetch(usize),
        Send(usize, bool),
    }

    /// A text, with what it truly holds of: not by label, but by the documents that went into it.
    #[derive(Clone)]
    struct Text {
        standing: Standing,
        private: bool,
        untrusted: bool,
    }

    fn step() -> impl Strategy<Value = Step> {
        let label = proptest::sample::select(Label::ALL.to_vec());
        let trust = proptest::sample::select(vec![Trust::Tool, Trust::Web, Trust::Library, Trust::User]);
        let effect = proptest::sample::select(vec![Effect::Pure, Effect::Reads, Effect::Changes]);
        prop_oneof![
            (label, trust).prop_map(|(label, trust)| Step::Read(label, trust)),
            proptest::collection::vec(any::<usize>(), 1..4).prop_map(Step::Make),
            (any::<usize>(), effect).prop_map(|(at, effect)| Step::Call(at, effect)),
            any::<usize>().prop_map(Step::Fetch),
            (any::<usize>(), any::<bool>()).prop_map(|(at, model)| Step::Send(at, model)),
        ]
    }

    /// Carries a plan out, and counts the bytes that leave: of private texts, of texts with untrusted parts, of others.
    fn carry_out(plan: &[Step], rules: &RuleSet, grants: &[Grant], known: &mut HashMap<Request, bool>) -> [usize; 3] {
        let mut texts = vec![Text { standing: Standing::TYPED, private: false, untrusted: false }];
        let mut out = [0; 3];
        let mut ask = |text: &Text, who, action| {
            let request = Request::new(who, action, text.standing.label, text.standing.trust);
            let sends = request.action.kind() != ActionKind::CallTool;
            let allowed = *known
                .entry(request)
                .or_insert_with_key(|request| decide(request, rules, grants, 0).outcome == Outcome::Allow);
            if allowed && sends {
                let kind = if text.private {
                    0
                } else if text.untrusted {
                    1
                } else {
                    2
                };
                out[kind] += 100;
            }
            allowed
        };
        for step in plan {
            let at = |at: usize| texts[at % texts.len()].clone();
            match step {
                Step::Read(label, trust) => {
                    let (private, untrusted) = (*label >= Label::Confidential, *trust <= Trust::Web);
                    texts.push(Text { standing: Standing::new(*label, *trust), private, untrusted });
                }
                Step::Make(of) => {
                    let parts: Vec<Text> = of.iter().map(|one| at(*one)).collect();
                    texts.push(Text {
                        standing: Standing::of(parts.iter().map(|part| part.standing)),
                        private: parts.iter().any(|part| part.private),
                        untrusted: parts.iter().any(|part| part.untrusted),
                    });
                }
                Step::Call(of, effect) => {
                    let of = at(*of);
                    if ask(&of, Who::Model, Action::CallTool { name: "t".into(), effect: *effect }) {
                        let from_tool = *effect != Effect::Pure;
                        let reply = if from_tool { Trust::Tool } else { of.standing.trust };
                        let standing = of.standing.and(Standing::new(of.standing.label, reply));
                        texts.push(Text { standing, untrusted: of.untrusted || from_tool, ..of });
                    }
                }
                Step::Fetch(of) => {
                    ask(&at(*of), Who::Model, Action::FetchPage { host: "h".into() });
                }
                Step::Send(of, model) => {
                    let who = if *model { Who::Model } else { Who::Person };
                    let action = Action::Send { provider: "p".into(), host: "h".into(), residency: "eu".into() };
                    ask(&at(*of), who, action);
                }
            }
        }
        out
    }

    fn grant(action: ActionKind, label: Label, untrusted: bool) -> Grant {
        Grant { action, thing: None, space: None, turn: None, label, untrusted, until: 1 }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_leaves_without_a_grant(plan in proptest::collection::vec(step(), 1..10)) {
            // What was decided once is decided so again; it is kept for each of the four cases.
            thread_local!(static RULES: [RuleSet; 3] = Mode::ALL.map(RuleSet::of));
            thread_local!(static KNOWN: RefCell<[HashMap<Request, bool>; 4]> = RefCell::default());
            // Leave to send anything of any label.
            let all = [ActionKind::Send, ActionKind::CallTool].map(|action| grant(action, Label::Restricted, false));
            let out = RULES.with(|sets| KNOWN.with_borrow_mut(|known| {
                let [offline, local, asks, granted] = known;
                [
                    carry_out(&plan, &sets[0], &[], offline),
                    carry_out(&plan, &sets[1], &[], local),
                    carry_out(&plan, &sets[2], &[], asks),
                    carry_out(&plan, &sets[2], &all, granted),
                ]
            }));
            prop_assert_eq!(&out[..3], &[[0, 0, 0]; 3]);
            // With it, still nothing private goes, and nothing that was made with untrusted parts.
            prop_assert_eq!((out[3][0], out[3][1]), (0, 0));
        }
    }

    #[test]
    fn what_a_grant_covers_does_leave() {
        let ask = RuleSet::of(Mode::AskBeforeRemote);
        let plan = [
            Step::Read(Label::Internal, Trust::Web),
            Step::Make(vec![0, 1]),
            Step::Send(2, false),
            Step::Send(0, false),
        ];
        assert_eq!(carry_out(&plan, &ask, &[], &mut HashMap::new()), [0, 0, 0]);
        assert_eq!(
            carry_out(&plan, &ask, &[grant(ActionKind::Send, Label::Internal, false)], &mut HashMap::new()),
            [0, 0, 100]
        );
        assert_eq!(
            carry_out(&plan, &ask, &[grant(ActionKind::Send, Label::Internal, true)], &mut HashMap::new()),
            [0, 100, 100]
        );
        assert_eq!(
            carry_out(
                &plan,
                &RuleSet::of(Mode::LocalOnly),
                &[grant(ActionKind::Send, Label::Internal, true)],
                &mut HashMap::new()
            ),
            [0, 0, 0]
        );
    }
}
