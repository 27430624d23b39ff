//! Messages: the wire format of Anthropic.

use super::{Finish, Message, News, Part, Provider, Question, Speaker, ToolCall, Trouble, Usage, count, json};
use base64::Engine as _;
use serde_json::{Map, Value, json as object};

/// The version of the format that is written and read here.
pub(super) const VERSION: &str = "2026-10-21";

/// The body of a request.
pub(super) fn body(provider: &Provider, question: &Question) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), provider.model.clone().into());
    body.insert("max_tokens".into(), question.max_tokens.into());
    if !question.system.is_empty() {
        body.insert("system".into(), question.system.clone().into());
    }
    body.insert("messages".into(), question.messages.iter().map(message).collect::<Vec<_>>().into());
    body.insert("stream".into(), true.into());
    if let Some(temperature) = question.temperature {
        body.insert("temperature".into(), temperature.into());
    }
    if !question.tools.is_empty() {
        let tools = question
            .tools
            .iter()
            .map(|tool| object!({ "name": tool.name, "description": tool.description, "input_schema": tool.schema }));
        body.insert("tools".into(), tools.collect::<Vec<_>>().into());
    }
    body.into()
}

fn message(message: &Message) -> Value {
    let parts = message.parts.iter().map(|part| match part {
        Part::Text(text) => object!({ "type": "text", "text": text }),
        Part::Image { media_type, bytes } => {
            let data = base64::engine::general_purpose::STANDARD.encode(bytes);
            object!({ "type": "image", "source": { "type": "base64", "media_type": media_type, "data": data } })
        }
        Part::Call(call) => {
            let input = serde_json::from_str::<Value>(&call.arguments).unwrap_or_else(|_| object!({}));
            object!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input })
        }
        Part::Result { id, name: _, text } => object!({ "type": "tool_result", "tool_use_id": id, "content": text }),
    });
    let role = if message.speaker == Speaker::Person { "user" } else { "assistant" };
    object!({ "role": role, "content": parts.collect::<Vec<_>>() })
}

/// Reads the stream of an answer.
#[derive(Default)]
pub(super) struct Reader {
    call: Option<ToolCall>,
    usage: Usage,
    finish: Option<Finish>,
    whole: bool,
    any: bool,
}

impl Reader {
    pub(super) fn read(&mut self, data: &str) -> Result<Vec<News>, Trouble> {
        let event = json(data)?;
        let Some(kind) = event.get("type").and_then(Value::as_str) else {
            return Err(Trouble::Garbage("an event of the stream has no type".to_owned()));
        };
        let mut news = Vec::new();
        match kind {
            "error" => return Err(Trouble::said(event.get("error").unwrap_or(&Value::Null))),
            "message_start" => {
                self.any = true;
                let usage = event.pointer("/message/usage").unwrap_or(&Value::Null);
                // What was read from, or written to, a cache of theirs was read too.
                let cached =
                    count(usage, "cache_creation_input_tokens").saturating_add(count(usage, "cache_read_input_tokens"));
                self.usage.input_tokens = count(usage, "input_tokens").saturating_add(cached);
                self.usage.output_tokens = count(usage, "output_tokens");
                news.push(News::Usage(self.usage));
            }
            "content_block_start" => {
                let block = event.get("content_block").unwrap_or(&Value::Null);
                let word = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                match word("type").as_str() {
                    "tool_use" => {
                        self.call = Some(ToolCall { id: word("id"), name: word("name"), arguments: String::new() });
                    }
                    "text" if !word("text").is_empty() => news.push(News::Text(word("text"))),
                    _ => {}
                }
            }
            "content_block_delta" => {
                let delta = event.get("delta").unwrap_or(&Value::Null);
                let word = |key: &str| delta.get(key).and_then(Value::as_str).unwrap_or_default();
                match word("type") {
                    "text_delta" => news.push(News::Text(word("text").to_owned())),
                    "input_json_delta" => {
                        if let Some(call) = &mut self.call {
                            call.arguments.push_str(word("partial_json"));
                        }
                    }
                    _ => {}
                }
            }
            "content_block_stop" => {
                if let Some(mut call) = self.call.take() {
                    if call.arguments.is_empty() {
                        call.arguments.push_str("{}");
                    }
                    news.push(News::Call(call));
                }
            }
            "message_delta" => {
                if let Some(reason) = event.pointer("/delta/stop_reason").and_then(Value::as_str) {
                    self.finish = Some(match reason {
                        "end_turn" | "stop_sequence" => Finish::End,
                        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
                        "tool_use" => Finish::Tools,
                        "refusal" => Finish::Filtered,
                        other => Finish::Other(other.chars().take(40).collect()),
                    });
                }
                let usage = event.get("usage").unwrap_or(&Value::Null);
                self.usage.output_tokens = self.usage.output_tokens.max(count(usage, "output_tokens"));
                self.usage.input_tokens = self.usage.input_tokens.max(count(usage, "input_tokens"));
                news.push(News::Usage(self.usage));
            }
            "message_stop" => self.whole = true,
            // `ping`, and what later versions may add.
            _ => {}
        }
        Ok(news)
    }

    /// An answer that came in one piece: its blocks as the stream would have begun and ended them.
    pub(super) fn whole(&mut self, message: &Value) -> Result<Vec<News>, Trouble> {
        let mut events = Vec::new();
        if message.get("type").and_then(Value::as_str) == Some("error") {
            events.push(message.clone());
        } else {
            let blocks = message.get("content").and_then(Value::as_array);
            let blocks = blocks.ok_or_else(|| Trouble::Garbage("the answer has no content".to_owned()))?;
            events.push(object!({ "type": "message_start", "message": message }));
            for block in blocks {
                events.push(object!({ "type": "content_block_start", "content_block": block }));
                if let Some(input) = block.get("input") {
                    let delta = object!({ "type": "input_json_delta", "partial_json": input.to_string() });
                    events.push(object!({ "type": "content_block_delta", "delta": delta }));
                }
                events.push(object!({ "type": "content_block_stop" }));
            }
            let reason = message.get("stop_reason").cloned().unwrap_or(Value::Null);
            events.push(object!({ "type": "message_delta", "delta": { "stop_reason": reason } }));
            events.push(object!({ "type": "message_stop" }));
        }
        let read: Result<Vec<_>, _> = events.iter().map(|event| self.read(&event.to_string())).collect();
        Ok(read?.into_iter().flatten().collect())
    }

    pub(super) fn end(self) -> Result<Vec<News>, Trouble> {
        match self.finish {
            Some(finish) if self.whole => Ok(vec![News::Finish(finish)]),
            _ if self.any => Err(Trouble::Cut),
            _ => Err(Trouble::Garbage("it sent no answer".to_owned())),
        }
    }
}
