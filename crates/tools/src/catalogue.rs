//! Tools as data, and the call of a built-in one.

use crate::calculate::{CalculateError, calculate};
use crate::calendar::{Date, DateError};
use hearth_domain::{Label, Trust};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What a tool does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Nothing: the same words in give the same words out.
    Pure,
    /// Reads things of the person or the house.
    Reads,
    /// Changes things.
    Writes,
    /// Sends or receives over a network.
    Network,
}

/// In which turns a tool may be called at all; policy may forbid more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Needs {
    /// The highest label of a turn in which it may be called.
    pub label_at_most: Label,
    /// The lowest trust of a turn in which it may be called without asking a person.
    pub trust_at_least: Trust,
}

/// A tool: what a model is told of it and what policy judges it by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Lower-case letters and `_`.
    pub name: String,
    /// What it does and when to use it, for a model.
    pub description: String,
    /// Its arguments, as a JSON Schema object.
    pub input_schema: Value,
    /// What it does to the world.
    pub effect: Effect,
    /// In which turns it may be called.
    pub needs: Needs,
    /// Arguments that the house fills in and no model writes. They are not in the schema.
    pub given: Vec<String>,
}

/// What a tool answered. Its trust is [`Trust::Tool`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolReply {
    /// For a model and a person.
    pub text: String,
    /// For programs.
    pub json: Value,
    /// The label of what it answered, where it knows one; else that of the turn.
    pub label: Option<Label>,
    /// How far it is believed.
    pub trust: Trust,
}

/// Why a tool did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// No tool has this name.
    #[error("there is no tool {0}")]
    Unknown(String),
    /// The arguments are not those of its schema.
    #[error("{tool}: {reason}")]
    Arguments {
        /// Which tool.
        tool: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The expression has no value.
    #[error("calculate: {0}")]
    Calculate(#[from] CalculateError),
    /// A date is not one.
    #[error("today: {0}")]
    Date(#[from] DateError),
}

/// All tools that are known, by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    tools: Vec<Tool>,
}

impl Catalogue {
    /// The tools that come with Hearth.
    pub fn built_in() -> Self {
        let pure = Needs { label_at_most: Label::Restricted, trust_at_least: Trust::Tool };
        let tool = |name: &str, description: &str, properties: Value, required: &[&str], given: &[&str]| Tool {
            name: name.to_owned(),
            description: description.to_owned(),
            input_schema: json!({
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            }),
            effect: Effect::Pure,
            needs: pure,
            given: given.iter().map(|name| (*name).to_owned()).collect(),
        };
        let calculate = tool(
            "calculate",
            "Works out arithmetic exactly. Use it for every sum, difference, product, ratio or percentage. Operators: \
             + - * / ^ and % (a hundredth, or the remainder when a number follows). Functions: sum, average, median, \
             min, max, round(value; places), abs, floor, ceil, sqrt, change(old; new) for relative change. Commas may \
             stand between thousands; separate values with ; inside functions.",
            json!({ "expression": { "type": "string", "description": "Such as (1,204.5 - 980) / 980 or 12% of 4,300." } }),
            &["expression"],
            &[],
        );
        let today = tool(
            "today",
            "Tells today's date and day of the week; with add_days the date so many days away, with until the days \
             that remain to a date.",
            json!({
                "add_days": { "type": "integer", "description": "Days from today; negative for the past." },
                "until": { "type": "string", "description": "A date such as 2026-11-22." },
            }),
            &[],
            &["today"],
        );
        Self { tools: vec![calculate, today] }
    }

    /// All tools.
    pub fn tools(&self) -> &[Tool] {
        &self.tools
    }

    /// The tool of this name.
    pub fn find(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// Calls a built-in tool. `arguments` is a JSON object; arguments named in [`Tool::given`] are the house's, such as
    /// `today` as `2026-11-22`. Whether it may be called has been decided before.
    ///
    /// # Errors
    /// [`ToolError`], in words that a model can act on.
    pub fn call(&self, name: &str, arguments: &Value) -> Result<ToolReply, ToolError> {
        match self.find(name).map(|tool| tool.name.as_str()) {
            Some("calculate") => call_calculate(arguments),
            Some("today") => call_today(arguments),
            _ => Err(ToolError::Unknown(name.to_owned())),
        }
    }
}

fn reply(text: String, json: Value) -> ToolReply {
    ToolReply { text, json, label: None, trust: Trust::Tool }
}

/// The arguments as an object that has no others than these.
fn object<'a>(tool: &'static str, arguments: &'a Value, known: &[&str]) -> Result<&'a Map<String, Value>, ToolError> {
    let wrong = |reason: String| ToolError::Arguments { tool, reason };
    let object = arguments.as_object().ok_or_else(|| wrong("its arguments are an object".to_owned()))?;
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(wrong(format!("it takes no argument {key:?}; it takes {}", known.join(", ")))),
        None => Ok(object),
    }
}

fn call_calculate(arguments: &Value) -> Result<ToolReply, ToolError> {
    const TOOL: &str = "calculate";
    let object = object(TOOL, arguments, &["expression"])?;
    let expression = object.get("expression").and_then(Value::as_str);
    let wrong = || ToolError::Arguments { tool: TOOL, reason: "it needs expression, a text".to_owned() };
    let expression = expression.ok_or_else(wrong)?;
    let result = calculate(expression)?;
    let sign = if result.exact { "=" } else { "≈" };
    let json = json!({ "value": result.value.to_string(), "exact": result.exact });
    Ok(reply(format!("{} {sign} {result}", expression.trim()), json))
}

fn call_today(arguments: &Value) -> Result<ToolReply, ToolError> {
    const TOOL: &str = "today";
    let object = object(TOOL, arguments, &["today", "add_days", "until"])?;
    let wrong = |reason: &str| ToolError::Arguments { tool: TOOL, reason: reason.to_owned() };
    let text = |key: &str, reason: &str| match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or_else(|| wrong(reason)),
    };
    let today = text("today", "today is a date")?.ok_or_else(|| wrong("the house did not tell it the date"))?;
    let today: Date = today.parse()?;
    let add_days = match object.get("add_days") {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.as_i64().ok_or_else(|| wrong("add_days is a whole number"))?),
    };
    let until = text("until", "until is a date such as 2026-11-22")?;
    let mut said = format!("Today is {}, {today}.", today.weekday());
    let mut json = json!({ "today": today.to_string(), "weekday": today.weekday() });
    if let Some(days) = add_days {
        let date = today.plus_days(days)?;
        said.push_str(&format!(" {days} days from today is {}, {date}.", date.weekday()));
        json["date"] = json!(date.to_string());
    }
    if let Some(until) = until {
        let until: Date = until.parse()?;
        let days = today.days_until(until);
        said.push_str(&format!(" It is {days} days until {}, {until}.", until.weekday()));
        json["days_until"] = json!(days);
    }
    Ok(reply(said, json))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tool: &str, arguments: Value, expect: &str) {
        let answer = match Catalogue::built_in().call(tool, &arguments) {
            Ok(reply) => {
                assert_eq!((reply.trust, reply.label), (Trust::Tool, None));
                reply.text
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(answer, expect);
    }

    #[test]
    fn tools_answer_in_words_that_can_be_acted_on() {
        check("calculate", json!({"expression": " 12% of 4,300 "}), "12% of 4,300 = 516");
        check("calculate", json!({"expression": "1/3"}), "1/3 ≈ 0.3333333333333333333333333333");
        check("calculate", json!({"expression": "1/0"}), "calculate: at character 2: nothing can be divided by zero");
        check("calculate", json!({"sum": "1"}), "calculate: it takes no argument \"sum\"; it takes expression");
        check("calculate", json!({"expression": 3}), "calculate: it needs expression, a text");
        check("calculate", json!("1+1"), "calculate: its arguments are an object");
        check("today", json!({"today": "2026-11-22"}), "Today is Sunday, 2026-11-22.");
        check(
            "today",
            json!({"today": "2026-11-22", "add_days": -7, "until": "2026-12-31"}),
            "Today is Sunday, 2026-11-22. -7 days from today is Sunday, 2026-11-15. It is 39 days until Thursday, \
             2026-12-31.",
        );
        check("today", json!({}), "today: the house did not tell it the date");
        check("today", json!({"today": "2026-11-22", "until": "soon"}), "today: a date is written like 2026-11-22");
        check("today", json!({"today": "2026-11-22", "add_days": 1e300}), "today: add_days is a whole number");
        check("shell", json!({}), "there is no tool shell");
    }

    #[test]
    fn what_the_house_fills_in_is_not_shown_to_a_model() {
        for tool in Catalogue::built_in().tools() {
            assert_eq!(tool.effect, Effect::Pure);
            let shown = tool.input_schema["properties"].as_object().expect("properties");
            assert!(tool.given.iter().all(|given| !shown.contains_key(given)), "{}", tool.name);
            let required = tool.input_schema["required"].as_array().expect("required");
            assert!(required.iter().all(|name| shown.contains_key(name.as_str().unwrap_or(""))), "{}", tool.name);
            assert!(tool.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        }
    }
}
