//! Chat completions: the wire format of OpenAI, Mistral, DeepSeek and of servers that people run themselves. The dialects
//! differ in few words, all of them here.

use super::{Finish, Message, News, Part, Provider, Question, Service, Speaker, ToolCall, Trouble, Usage, count, json};
use base64::Engine as _;
use serde_json::{Map, Value, json as object};

/// Tool calls of one answer, at most.
const MOST_CALLS: usize = 64;

/// The body of a request.
pub(super) fn body(provider: &Provider, question: &Question) -> Value {
    let mut messages = Vec::new();
    if !question.system.is_empty() {
        messages.push(object!({ "role": "system", "content": question.system }));
    }
    question.messages.iter().for_each(|one| message(one, &mut messages));
    let mut body = Map::new();
    body.insert("model".into(), provider.model.clone().into());
    body.insert("messages".into(), messages.into());
    body.insert("stream".into(), true.into());
    // Mistral refuses fields that it does not know, and counts tokens in its last event anyway.
    if provider.service != Service::Mistral {
        body.insert("stream_options".into(), object!({ "include_usage": true }));
    }
    // OpenAI's models that think refuse the older name; the others know only that.
    let most = if provider.service == Service::OpenAi { "max_completion_tokens" } else { "max_tokens" };
    body.insert(most.into(), question.max_tokens.into());
    if let Some(temperature) = question.temperature {
        body.insert("temperature".into(), temperature.into());
    }
    if !question.tools.is_empty() {
        let tools = question.tools.iter().map(|tool| {
            object!({ "type": "function",
                "function": { "name": tool.name, "description": tool.description, "parameters": tool.schema } })
        });
        body.insert("tools".into(), tools.collect::<Vec<_>>().into());
    }
    body.into()
}

fn message(message: &Message, into: &mut Vec<Value>) {
    let mut calls = Vec::new();
    let mut content = Vec::new();
    for part in &message.parts {
        match part {
            Part::Text(text) => content.push(object!({ "type": "text", "text": text })),
            Part::Image { media_type, bytes } => {
                let data = base64::engine::general_purpose::STANDARD.encode(bytes);
                let url = format!("data:{media_type};base64,{data}");
                content.push(object!({ "type": "image_url", "image_url": { "url": url } }));
            }
            Part::Call(call) => calls.push(object!({ "id": call.id, "type": "function",
                "function": { "name": call.name, "arguments": call.arguments } })),
            Part::Result { id, name: _, text } => {
                into.push(object!({ "role": "tool", "tool_call_id": id, "content": text }));
            }
        }
    }
    if content.is_empty() && calls.is_empty() {
        return;
    }
    let role = if message.speaker == Speaker::Person { "user" } else { "assistant" };
    let mut made = Map::new();
    made.insert("role".into(), role.into());
    // A single text is said plainly: that every server understands.
    let only = match content.as_slice() {
        [one] => one.get("text").cloned(),
        _ => None,
    };
    let content = only.unwrap_or(if content.is_empty() { Value::Null } else { content.into() });
    made.insert("content".into(), content);
    if !calls.is_empty() {
        made.insert("tool_calls".into(), calls.into());
    }
    into.push(made.into());
}

/// Reads the stream of an answer.
#[derive(Default)]
pub(super) struct Reader {
    calls: Vec<ToolCall>,
    finish: Option<Finish>,
    any: bool,
}

impl Reader {
    pub(super) fn read(&mut self, data: &str) -> Result<Vec<News>, Trouble> {
        if data.trim() == "[DONE]" {
            return Ok(Vec::new());
        }
        let event = json(data)?;
        if let Some(error) = event.get("error").filter(|error| !error.is_null()) {
            return Err(Trouble::said(error));
        }
        let Some(choices) = event.get("choices").and_then(Value::as_array) else {
            return Err(Trouble::Garbage("an event of the stream has no choices".to_owned()));
        };
        self.any = true;
        let mut news = Vec::new();
        if let Some(choice) = choices.first() {
            // A server that does not stream sends the message whole, and some leave out how it ended.
            let whole = choice.get("message").filter(|message| message.is_object());
            let delta = choice.get("delta").or(whole).unwrap_or(&Value::Null);
            self.finish = self.finish.take().or(whole.map(|_| Finish::End));
            let words = text(delta.get("content")) + &text(delta.get("refusal"));
            if !words.is_empty() {
                news.push(News::Text(words));
            }
            for call in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
                self.call(call)?;
            }
            if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
                self.finish = Some(match reason {
                    "stop" => Finish::End,
                    "length" | "model_length" => Finish::Length,
                    "tool_calls" | "function_call" => Finish::Tools,
                    "content_filter" => Finish::Filtered,
                    other => Finish::Other(other.chars().take(40).collect()),
                });
            }
        }
        if let Some(usage) = event.get("usage").filter(|usage| usage.is_object()) {
            let (input_tokens, output_tokens) = (count(usage, "prompt_tokens"), count(usage, "completion_tokens"));
            news.push(News::Usage(Usage { input_tokens, output_tokens }));
        }
        Ok(news)
    }

    /// Tool calls come in pieces, told apart by their index.
    fn call(&mut self, piece: &Value) -> Result<(), Trouble> {
        let at = piece.get("index").and_then(Value::as_u64).map_or(self.calls.len(), |at| at as usize);
        if at >= MOST_CALLS || at > self.calls.len() {
            return Err(Trouble::Garbage("its tool calls are out of order".to_owned()));
        }
        if at == self.calls.len() {
            self.calls.push(ToolCall { id: String::new(), name: String::new(), arguments: String::new() });
        }
        let Some(call) = self.calls.get_mut(at) else { return Ok(()) };
        let function = piece.get("function").unwrap_or(&Value::Null);
        call.id.push_str(piece.get("id").and_then(Value::as_str).unwrap_or_default());
        call.name.push_str(function.get("name").and_then(Value::as_str).unwrap_or_default());
        match function.get("arguments") {
            Some(Value::String(text)) => call.arguments.push_str(text),
            Some(Value::Null) | None => {}
            Some(whole) => call.arguments.push_str(&whole.to_string()),
        }
        Ok(())
    }

    pub(super) fn end(self) -> Result<Vec<News>, Trouble> {
        let Some(finish) = self.finish else {
            return Err(if self.any { Trouble::Cut } else { Trouble::Garbage("it sent no answer".to_owned()) });
        };
        Ok(self.calls.into_iter().map(News::Call).chain([News::Finish(finish)]).collect())
    }
}

/// Content as a text, or as pieces of which some are texts.
fn text(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(pieces)) => {
            pieces.iter().filter_map(|piece| piece.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    }
}
