//! What the model says, told apart while it streams: thoughts, calls of tools, and the answer. The marks differ by family
//! and are read off the chat template. What is malformed stays text of the answer.

use super::python;
use serde_json::Value;

/// Something that the model said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Text of the answer.
    Answer(String),
    /// Text that it thinks before it answers.
    Thought(String),
    /// A call: the tool's name, and its arguments as a JSON object.
    Call(String, String),
}

/// How calls are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Calls {
    /// `<tool_call>{"name": ..., "arguments": {...}}</tool_call>` (Hermes, Qwen).
    Tagged,
    /// The whole answer is `{"name": ..., "parameters": {...}}` (Llama 3).
    Bare,
    /// `[TOOL_CALLS][{"name": ..., "arguments": {...}}]`, or `[TOOL_CALLS]name[ARGS]{...}` (Mistral).
    Listed,
    /// `<|tool_call_start|>[name(a=1)]<|tool_call_end|>` (LFM2).
    Python,
}

impl Calls {
    /// The mark before a call, and the one behind it where there is one.
    fn marks(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Tagged => (TAG.0, Some(TAG.1)),
            Self::Listed => (LIST, None),
            Self::Python => (PYTHON.0, Some(PYTHON.1)),
            Self::Bare => ("", None),
        }
    }
}

/// Marks around thoughts, by family.
const THOUGHTS: &[(&str, &str)] = &[
    ("<think>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|end|>"),
];

/// Marks that mean nothing by themselves.
const NOISE: &[&str] = &["<|start|>assistant", "<|channel|>final<|message|>", "<|python_tag|>"];

const TAG: (&str, &str) = ("<tool_call>", "</tool_call>");
const PYTHON: (&str, &str) = ("<|tool_call_start|>", "<|tool_call_end|>");
const LIST: &str = "[TOOL_CALLS]";
const ARGS: &str = "[ARGS]";

/// The marks of one family.
#[derive(Debug, Clone, Default)]
pub struct Format {
    thought: Option<(&'static str, &'static str)>,
    noise: Vec<&'static str>,
    calls: Option<Calls>,
}

impl Format {
    /// Reads the marks off a chat template.
    pub fn of(template: &str) -> Self {
        // Only the first lines of a mark that spans lines are sure to stand in a template as they are.
        let part = |mark: &str| mark.trim_end().replace("<|channel|>analysis<|message|>", "<|channel|>");
        let thought = THOUGHTS.iter().find(|(a, b)| template.contains(&part(a)) || template.contains(b));
        let thought = thought.filter(|(a, _)| *a != "<|channel|>analysis<|message|>" || template.contains("analysis"));
        let calls = if template.contains(TAG.0) {
            Some(Calls::Tagged)
        } else if template.contains(PYTHON.0) || template.contains("List of tools: ") {
            Some(Calls::Python)
        } else if template.contains(LIST) {
            Some(Calls::Listed)
        } else if template.contains("<|python_tag|>") || template.contains("\"parameters\":") {
            Some(Calls::Bare)
        } else {
            None
        };
        let noise = NOISE.iter().copied().filter(|n| template.contains(n.get(..9).unwrap_or(n))).collect();
        Self { thought: thought.copied(), noise, calls }
    }

    /// Whether a special token is one of the marks, so that its name is to be heard although it is no text.
    pub fn knows(&self, name: &str) -> bool {
        let inside = |mark: &&str| mark.contains(name);
        let thought = self.thought.map(|(a, b)| [a, b]).into_iter().flatten();
        let calls = match self.calls {
            Some(Calls::Tagged) => vec![TAG.0, TAG.1],
            Some(Calls::Listed) => vec![LIST, ARGS],
            Some(Calls::Python) => vec![PYTHON.0, PYTHON.1],
            Some(Calls::Bare) | None => Vec::new(),
        };
        !name.is_empty() && thought.chain(calls).chain(self.noise.iter().copied()).any(|m| inside(&m))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing of the answer has been heard yet.
    Start,
    Thought,
    Answer,
    /// A call is being written, with what began it.
    Call(Calls),
}

/// Listens to one answer.
#[derive(Debug)]
pub struct Hearing {
    format: Format,
    state: State,
    held: String,
    /// White space at the next beginning is no part of what follows.
    trim: bool,
}

impl Hearing {
    /// Begins. `prompt` is the text that the model continues; `tools` says whether it may call any.
    pub fn new(format: &Format, prompt: &str, tools: bool) -> Self {
        let mut format = format.clone();
        format.calls = format.calls.filter(|_| tools);
        let open = format.thought.is_some_and(|(open, _)| prompt.trim_end().ends_with(open.trim_end()));
        let state = if open { State::Thought } else { State::Start };
        Self { format, state, held: String::new(), trim: open }
    }

    /// Whether the model is thinking.
    pub fn is_thinking(&self) -> bool {
        self.state == State::Thought
    }

    /// Takes more text.
    pub fn push(&mut self, text: &str, out: &mut Vec<Heard>) {
        self.held.push_str(text);
        while self.step(out) {}
    }

    /// Ends the answer: what was held back is text after all, or a call that needs no closing mark.
    pub fn finish(&mut self, out: &mut Vec<Heard>) {
        let held = std::mem::take(&mut self.held);
        match self.state {
            State::Thought => self.tell(held, out),
            State::Call(kind) => self.call(kind, &held, "", out),
            State::Start | State::Answer => self.tell(held, out),
        }
    }

    fn tell(&mut self, text: String, out: &mut Vec<Heard>) {
        let text = if self.trim { text.trim_start().to_owned() } else { text };
        if text.is_empty() {
            return;
        }
        self.trim = false;
        match (self.state, out.last_mut()) {
            (State::Thought, Some(Heard::Thought(last))) => last.push_str(&text),
            (State::Thought, _) => out.push(Heard::Thought(text)),
            (_, Some(Heard::Answer(last))) => last.push_str(&text),
            (_, _) => out.push(Heard::Answer(text)),
        }
    }

    /// Marks that may come now, and where they lead.
    fn marks(&self) -> Vec<(&'static str, Option<State>)> {
        if self.state == State::Thought {
            return self.format.thought.map(|(_, close)| (close, Some(State::Answer))).into_iter().collect();
        }
        let mut marks: Vec<_> = self.format.noise.iter().map(|n| (*n, None)).collect();
        if self.state == State::Start {
            marks.extend(self.format.thought.map(|(open, _)| (open, Some(State::Thought))));
        }
        let calls = self.format.calls.filter(|calls| *calls != Calls::Bare);
        marks.extend(calls.map(|calls| (calls.marks().0, Some(State::Call(calls)))));
        marks
    }

    /// Takes one step; returns whether there may be another.
    fn step(&mut self, out: &mut Vec<Heard>) -> bool {
        if let State::Call(kind) = self.state {
            let Some(end) = kind.marks().1 else { return false };
            let Some((body, rest)) = self.held.split_once(end).map(|(a, b)| (a.to_owned(), b.to_owned())) else {
                return false;
            };
            self.held = rest;
            self.call(kind, &body, end, out);
            return true;
        }
        let marks = self.marks();
        let found = marks.iter().filter_map(|(m, to)| Some((self.held.find(m)?, *m, *to))).min_by_key(|f| f.0);
        // The thoughts' opening mark counts only before the answer.
        let found = found.filter(|(at, _, to)| {
            *to != Some(State::Thought) || self.held.get(..*at).is_some_and(|before| before.trim().is_empty())
        });
        if let Some((at, mark, to)) = found {
            let rest = self.held.split_off(at + mark.len());
            let mut before = std::mem::replace(&mut self.held, rest);
            before.truncate(at);
            if to == Some(State::Thought) {
                self.trim = true;
            } else {
                self.tell(before, out);
            }
            if self.state == State::Thought {
                self.trim = true;
            }
            match to {
                // After a thought another may follow, before any answer.
                Some(State::Answer) => self.state = State::Start,
                Some(state) => self.state = state,
                None => {}
            }
            return true;
        }
        let solid = self.held.trim_start();
        if self.state == State::Start && self.format.calls == Some(Calls::Bare) && solid.starts_with('{') {
            self.state = State::Call(Calls::Bare);
            return false;
        }
        // White space alone may still come before a mark or a call.
        let waits = |from: usize| {
            let tail = self.held.get(from..).unwrap_or_default();
            marks.iter().any(|(m, _)| m.starts_with(tail)) || (self.state == State::Start && tail.trim().is_empty())
        };
        let keep = self.held.char_indices().map(|(i, _)| i).find(|i| waits(*i)).unwrap_or(self.held.len());
        let rest = self.held.split_off(keep);
        let ready = std::mem::replace(&mut self.held, rest);
        if self.state == State::Start && ready.trim().is_empty() {
            self.held.insert_str(0, &ready);
            return false;
        }
        if self.state == State::Start {
            self.tell(ready, out);
            self.state = State::Answer;
            return true;
        }
        self.tell(ready, out);
        false
    }

    /// Reads a call; what is none becomes text, its marks included.
    fn call(&mut self, kind: Calls, body: &str, end: &str, out: &mut Vec<Heard>) {
        let read = match kind {
            Calls::Tagged | Calls::Bare => calls_in(body),
            Calls::Listed => calls_in(body).or_else(|| named_calls(body)),
            Calls::Python => python::calls(body).or_else(|| calls_in(body)),
        };
        self.state = State::Answer;
        match read {
            Some(calls) => {
                out.extend(calls.into_iter().map(|(name, arguments)| Heard::Call(name, arguments)));
                self.state = State::Start;
                self.trim = true;
            }
            None => self.tell(format!("{}{body}{end}", kind.marks().0), out),
        }
    }
}

fn arguments(value: Option<&Value>) -> Option<String> {
    match value {
        None | Some(Value::Null) => Some("{}".into()),
        Some(Value::Object(map)) => serde_json::to_string(map).ok(),
        // Some write the object as a text.
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Object(map)) => serde_json::to_string(&map).ok(),
            _ => None,
        },
        Some(_) => None,
    }
}

/// Reads one call or a list of calls.
fn calls_in(body: &str) -> Option<Vec<(String, String)>> {
    let one = |v: &Value| {
        let name = v.get("name")?.as_str().filter(|n| !n.is_empty())?;
        Some((name.to_owned(), arguments(v.get("arguments").or(v.get("parameters")))?))
    };
    match serde_json::from_str(body.trim()).ok()? {
        Value::Array(list) => list.iter().map(one).collect::<Option<Vec<_>>>().filter(|c| !c.is_empty()),
        value => Some(vec![one(&value)?]),
    }
}

/// Reads `name[ARGS]{...}`, once or several times with `[TOOL_CALLS]` between.
fn named_calls(body: &str) -> Option<Vec<(String, String)>> {
    let one = |part: &str| {
        let (name, given) = part.split_once(ARGS).or_else(|| part.find('{').map(|at| part.split_at(at)))?;
        let name = name.split_once("[CALL_ID]").map_or(name, |(name, _)| name).trim();
        let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-.:/".contains(c));
        Some((name.to_owned(), arguments(Some(&serde_json::from_str(given.trim()).ok()?))?)).filter(|_| plain)
    };
    body.split(LIST).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Heard::{Answer, Call, Thought};

    /// The same whether the text comes at once or by the character.
    fn check(template: &str, prompt: &str, tools: bool, said: &str, want: &[Heard]) {
        let format = Format::of(template);
        let pieces = |size: usize| {
            let chars: Vec<char> = said.chars().collect();
            chars.chunks(size).map(|c| c.iter().collect::<String>()).collect::<Vec<_>>()
        };
        for size in [1, 2, 7, 10_000] {
            let mut hearing = Hearing::new(&format, prompt, tools);
            let mut got = Vec::new();
            pieces(size).iter().for_each(|p| hearing.push(p, &mut got));
            hearing.finish(&mut got);
            assert_eq!(got, want, "{said:?} by {size}");
        }
    }

    fn answer(s: &str) -> Heard {
        Answer(s.into())
    }

    fn thought(s: &str) -> Heard {
        Thought(s.into())
    }

    fn call(name: &str, arguments: &str) -> Heard {
        Call(name.into(), arguments.into())
    }

    const QWEN: &str = "<think> </think> <tool_call>";

    #[test]
    fn thoughts_are_no_part_of_the_answer() {
        check(QWEN, "", false, "<think>\nHm. 1 < 2\n</think>\n\nYes.", &[thought("Hm. 1 < 2\n"), answer("Yes.")]);
        check(QWEN, "x<think>\n", false, "Hm.</think>Yes.", &[thought("Hm."), answer("Yes.")]);
        check(QWEN, "<think>\n\n</think>\n\n", false, "Yes </think", &[answer("Yes </think")]);
        check(QWEN, "", false, "\n<think>cut off", &[thought("cut off")]);
        check(QWEN, "", false, "Say <think> aloud", &[answer("Say <think> aloud")]);
        check("none", "", false, "<think>a</think>b", &[answer("<think>a</think>b")]);
        check("[THINK]", "", false, "[THINK]a[/THINK]b", &[thought("a"), answer("b")]);
        let harmony = "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b";
        check("<|start|><|channel|>analysis", "", false, harmony, &[thought("a"), answer("b")]);
    }

    #[test]
    fn calls_become_structured() {
        let one = "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"b\": 1, \"a\": [null]}}\n</tool_call>";
        check(QWEN, "", true, one, &[call("f", r#"{"b":1,"a":[null]}"#)]);
        let two = format!("<think>x</think>\nOne moment. {one}\n{one}");
        let wanted = call("f", r#"{"b":1,"a":[null]}"#);
        check(QWEN, "", true, &two, &[thought("x"), answer("One moment. "), wanted.clone(), wanted]);
        let llama = "<|python_tag|> \"parameters\": ";
        check(llama, "", true, " {\"name\": \"f\", \"parameters\": {\"x\": \"{\"}}", &[call("f", r#"{"x":"{"}"#)]);
        check(llama, "", true, "<|python_tag|>{\"name\": \"f\", \"parameters\": {}}", &[call("f", "{}")]);
        let list = "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {}, \"id\": \"1\"}, {\"name\": \"g\"}]";
        check("[TOOL_CALLS]", "", true, list, &[call("f", "{}"), call("g", "{}")]);
        let named = "[TOOL_CALLS]f[ARGS]{\"a\": 1}[TOOL_CALLS]g[CALL_ID]7[ARGS]{}";
        check("[TOOL_CALLS]", "", true, named, &[call("f", r#"{"a":1}"#), call("g", "{}")]);
        let python = "Let me see. <|tool_call_start|>[f(a=1), g(b='x')]<|tool_call_end|>Checking.";
        let calls = [answer("Let me see. "), call("f", r#"{"a":1}"#), call("g", r#"{"b":"x"}"#), answer("Checking.")];
        check("List of tools: <|tool_list_start|>[", "", true, python, &calls);
        let json = "<|tool_call_start|>[{\"name\": \"f\", \"arguments\": {}}]<|tool_call_end|>";
        check("List of tools: [", "", true, json, &[call("f", "{}")]);
    }

    #[test]
    fn malformed_calls_and_those_without_tools_are_text() {
        for said in
            ["<tool_call>{\"name\": }</tool_call> so", "<tool_call>{\"name\": \"f\"", "<tool_call>[]</tool_call>"]
        {
            check(QWEN, "", true, said, &[answer(said)]);
        }
        let code = "<|tool_call_start|>[f(a=open('x'))]<|tool_call_end|>";
        check("List of tools: [", "", true, code, &[answer(code)]);
        let call = "<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>";
        check(QWEN, "", false, call, &[answer(call)]);
        check("<|python_tag|>", "", true, "{\"a\": 1} is JSON", &[answer("{\"a\": 1} is JSON")]);
        check(
            "<|python_tag|>",
            "",
            true,
            "{\"name\": \"f\", \"parameters\": 7}",
            &[answer("{\"name\": \"f\", \"parameters\": 7}")],
        );
        check("[TOOL_CALLS]", "", true, "[TOOL_CALLS]rm -rf", &[answer("[TOOL_CALLS]rm -rf")]);
    }
}
