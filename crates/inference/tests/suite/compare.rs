//! Compares rendered chat templates with those of Python's jinja2, from a file that `templates.py` made.

use hearth_inference::template::render_source;
use hearth_inference::wire::{Briefing, Message, Speaker, Tool};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Cases {
    now_s: i64,
    conversations: Vec<Conversation>,
    templates: Vec<Source>,
}

#[derive(Deserialize)]
struct Conversation {
    what: String,
    messages: Vec<(String, String)>,
    tools: Vec<Tool>,
    thinking: Option<bool>,
}

#[derive(Deserialize)]
struct Source {
    name: String,
    source: String,
    want: Vec<Want>,
}

#[derive(Deserialize, Debug)]
#[serde(untagged)]
enum Want {
    Text(String),
    Refused { error: String },
}

/// What came out of a comparison.
#[derive(Default)]
pub struct Report {
    pub same: usize,
    pub all: usize,
    /// Of the same: what both refuse.
    pub refused: usize,
    /// What Python refuses and is rendered here.
    pub lenient: usize,
    pub templates: usize,
    pub whole: usize,
    pub differences: Vec<String>,
}

fn role(name: &str) -> Speaker {
    match name {
        "system" => Speaker::System,
        "user" => Speaker::User,
        "assistant" => Speaker::Assistant,
        "call" => Speaker::Call,
        _ => Speaker::Tool,
    }
}

pub fn compare(cases: &Cases) -> Report {
    let mut report = Report::default();
    for template in &cases.templates {
        let before = report.differences.len();
        for (c, want) in cases.conversations.iter().zip(&template.want) {
            let say = |(who, text): &(String, String)| Message { role: role(who), text: text.clone() };
            let messages: Vec<Message> = c.messages.iter().map(say).collect();
            let briefing = Briefing { tools: c.tools.clone(), thinking: c.thinking, now_s: Some(cases.now_s) };
            let got = render_source(&template.source, &messages, &briefing, ["<s>", "</s>"]);
            report.all += 1;
            match (want, &got) {
                (Want::Text(want), Ok(got)) if want == got => report.same += 1,
                (Want::Refused { error }, Err(_)) => {
                    assert!(!error.is_empty());
                    report.same += 1;
                    report.refused += 1;
                }
                (Want::Refused { .. }, Ok(_)) => report.lenient += 1,
                _ => {
                    report.differences.push(format!("{}, {}:\n  want {want:?}\n  got  {got:?}", template.name, c.what))
                }
            }
        }
        report.templates += 1;
        report.whole += usize::from(report.differences.len() == before);
    }
    report
}
