//! Rules as data, each readable by a person, and the one set that stands today: local only.

use crate::request::{Action, ActionKind, Effect, Mode, Purpose, Request, Who};
use hearth_domain::{Label, TimeMs, Trust};
use serde::{Deserialize, Serialize};

/// What a rule, and a decision, comes to. Ordered: stricter is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It may happen.
    Allow,
    /// A person is asked first.
    Ask,
    /// It may not happen.
    Deny,
}

/// One thing that must hold of a request for a rule to speak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "if", content = "is", rename_all = "snake_case")]
pub enum Condition {
    /// This one wants it.
    By(Who),
    /// Anyone else wants it.
    NotBy(Who),
    /// The path was granted by a person, or was not.
    Granted(bool),
    /// The tool does this to the world.
    ToolEffect(Effect),
    /// The download is for this.
    For(Purpose),
    /// Some part came from the web or out of a tool.
    Untrusted,
    /// The label is this or higher.
    LabelFrom(Label),
    /// The change makes the document less guarded.
    Lowers,
    /// The change keeps it as guarded or makes it more so.
    DoesNotLower,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its number in the set, from 1. 0 is the rule that denies what no other names.
    pub number: u32,
    /// Its short name, such as "nothing is sent".
    pub name: String,
    /// What it says, in one plain sentence for people.
    pub sentence: String,
    /// The same in the readable policy language, one line.
    pub text: String,
    /// What it comes to.
    pub effect: Outcome,
    /// The actions it speaks of.
    pub on: Vec<ActionKind>,
    /// All of these must hold.
    pub when: Vec<Condition>,
    /// It stops speaking at this time.
    pub until: Option<TimeMs>,
}

/// The rules that hold together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSet {
    /// The mode they make.
    pub mode: Mode,
    /// What the mode is called.
    pub name: String,
    /// What it promises, in one sentence.
    pub sentence: String,
    /// In order of number.
    pub rules: Vec<Rule>,
}

impl Condition {
    /// Whether it holds of a request. A condition about a particular that the action does not have never holds.
    pub fn holds(&self, request: &Request) -> bool {
        match (self, &request.action) {
            (Condition::By(who), _) => request.who == *who,
            (Condition::NotBy(who), _) => request.who != *who,
            (Condition::Granted(wanted), Action::ReadPath { granted }) => granted == wanted,
            (Condition::ToolEffect(wanted), Action::CallTool { effect, .. }) => effect == wanted,
            (Condition::For(wanted), Action::Download { purpose, .. }) => purpose == wanted,
            (Condition::Untrusted, _) => request.trust <= Trust::Web,
            (Condition::LabelFrom(label), _) => request.label >= *label,
            (Condition::Lowers, Action::ChangeLabel { from, to }) => to < from,
            (Condition::DoesNotLower, Action::ChangeLabel { from, to }) => to >= from,
            _ => false,
        }
    }

    fn words(&self) -> String {
        match self {
            Condition::By(who) => format!("by {}", word(who)),
            Condition::NotBy(who) => format!("not by {}", word(who)),
            Condition::Granted(true) => "the path was granted".to_owned(),
            Condition::Granted(false) => "the path was not granted".to_owned(),
            Condition::ToolEffect(effect) => format!("the tool is {}", word(effect)),
            Condition::For(purpose) => format!("for a {}", word(purpose)),
            Condition::Untrusted => "trust is web or tool".to_owned(),
            Condition::LabelFrom(label) => format!("label is {} or higher", label.word()),
            Condition::Lowers => "the label goes down".to_owned(),
            Condition::DoesNotLower => "the label does not go down".to_owned(),
        }
    }
}

fn word(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

/// "CallTool" as "call tool".
fn spaced(kind: &ActionKind) -> String {
    let mut words = String::new();
    for c in format!("{kind:?}").chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

impl Rule {
    /// Whether it speaks of a request at a time.
    pub fn speaks(&self, request: &Request, now: TimeMs) -> bool {
        self.on.contains(&request.action.kind())
            && self.until.is_none_or(|until| now < until)
            && self.when.iter().all(|condition| condition.holds(request))
    }

    fn new(number: u32, effect: Outcome, name: &str, sentence: &str, on: &[ActionKind], when: &[Condition]) -> Self {
        let actions: Vec<String> = on.iter().map(spaced).collect();
        let mut text = format!("{} {}", word(&effect), actions.join(", "));
        for (at, condition) in when.iter().enumerate() {
            text.push_str(if at == 0 { " when " } else { " and " });
            text.push_str(&condition.words());
        }
        Self {
            number,
            name: name.to_owned(),
            sentence: sentence.to_owned(),
            text,
            effect,
            on: on.to_vec(),
            when: when.to_vec(),
            until: None,
        }
    }
}

impl RuleSet {
    /// Everything happens on this machine: the only mode.
    pub fn local_only() -> Self {
        use ActionKind as On;
        use Condition::{By, DoesNotLower, For, Granted, LabelFrom, Lowers, NotBy, ToolEffect, Untrusted};
        use Outcome::{Allow, Ask, Deny};
        let rules = vec![
            Rule::new(
                1,
                Allow,
                "answers are made here",
                "Answers are made on this machine, by models that run here.",
                &[On::Answer],
                &[],
            ),
            Rule::new(
                2,
                Allow,
                "your documents, here",
                "Documents and memories are used on this machine, whatever their label.",
                &[On::UseDocument, On::Recall],
                &[],
            ),
            Rule::new(
                3,
                Deny,
                "nothing is sent",
                "Nothing is sent to a model or a service elsewhere, whatever its label.",
                &[On::SendRemote],
                &[],
            ),
            Rule::new(
                4,
                Allow,
                "models you fetch",
                "A model is downloaded when a person starts the download; nothing but the request for the file goes out.",
                &[On::Download],
                &[By(Who::Person), For(Purpose::Model)],
            ),
            Rule::new(
                5,
                Deny,
                "no pages are fetched",
                "No page of the web is fetched.",
                &[On::Download],
                &[For(Purpose::Page)],
            ),
            Rule::new(
                6,
                Allow,
                "files you chose",
                "A file is read when a person dropped it, chose it or named it.",
                &[On::ReadPath],
                &[Granted(true)],
            ),
            Rule::new(
                7,
                Deny,
                "no other files",
                "No file is read that a person did not choose.",
                &[On::ReadPath],
                &[Granted(false)],
            ),
            Rule::new(
                8,
                Allow,
                "tools that only compute",
                "A tool that computes from its arguments alone may run.",
                &[On::CallTool],
                &[ToolEffect(Effect::Pure)],
            ),
            Rule::new(
                9,
                Ask,
                "tools that read",
                "A tool that reads from this machine asks first.",
                &[On::CallTool],
                &[ToolEffect(Effect::Reads)],
            ),
            Rule::new(
                10,
                Ask,
                "tools that change things",
                "A tool that changes something asks first.",
                &[On::CallTool],
                &[ToolEffect(Effect::Changes)],
            ),
            Rule::new(
                11,
                Deny,
                "untrusted text closes tools",
                "While text from the web or from a tool is in play, no tool that changes something runs unless a person starts it.",
                &[On::CallTool],
                &[ToolEffect(Effect::Changes), Untrusted, NotBy(Who::Person)],
            ),
            Rule::new(
                12,
                Allow,
                "what you ask to remember",
                "A sentence is remembered when a person asks for it.",
                &[On::Remember],
                &[By(Who::Person)],
            ),
            Rule::new(
                13,
                Ask,
                "memories are proposed",
                "A memory that a model proposes waits for a person.",
                &[On::Remember],
                &[NotBy(Who::Person)],
            ),
            Rule::new(
                14,
                Deny,
                "no memories from outside",
                "Text from the web or from a tool never becomes a memory by itself.",
                &[On::Remember],
                &[Untrusted, NotBy(Who::Person)],
            ),
            Rule::new(
                15,
                Allow,
                "labels may rise",
                "A person may make a document more guarded.",
                &[On::ChangeLabel],
                &[By(Who::Person), DoesNotLower],
            ),
            Rule::new(
                16,
                Ask,
                "lowering asks",
                "Making a document less guarded asks first.",
                &[On::ChangeLabel],
                &[Lowers],
            ),
            Rule::new(
                17,
                Allow,
                "you may erase",
                "A person may erase for good what is theirs.",
                &[On::Purge],
                &[By(Who::Person)],
            ),
            Rule::new(
                18,
                Ask,
                "erasing asks",
                "Nothing is erased for good without a person.",
                &[On::Purge],
                &[NotBy(Who::Person)],
            ),
            Rule::new(
                19,
                Allow,
                "you may export",
                "A person may write their things into plain files on this machine.",
                &[On::Export],
                &[By(Who::Person)],
            ),
            Rule::new(
                20,
                Ask,
                "guarded exports ask",
                "Writing confidential or restricted things into plain files asks first.",
                &[On::Export],
                &[By(Who::Person), LabelFrom(Label::Confidential)],
            ),
        ];
        Self {
            mode: Mode::LocalOnly,
            name: "Local only".to_owned(),
            sentence: "Everything happens on this machine. Nothing you ask, keep or read is sent anywhere.".to_owned(),
            rules,
        }
    }

    /// The rule that denies what no other rule names.
    pub fn nothing_else() -> Rule {
        Rule {
            number: 0,
            name: "nothing else".to_owned(),
            sentence: "What no rule allows does not happen.".to_owned(),
            text: "deny everything else".to_owned(),
            effect: Outcome::Deny,
            on: Vec::new(),
            when: Vec::new(),
            until: None,
        }
    }
}
