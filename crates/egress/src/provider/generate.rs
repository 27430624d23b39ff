//! generateContent: the wire format of Google's Gemini.

use super::{Finish, Message, News, Part, Question, Speaker, ToolCall, Trouble, Usage, count, json};
use base64::Engine as _;
use serde_json::{Map, Value, json as object};

/// The body of a request. The model stands in the address.
pub(super) fn body(question: &Question) -> Value {
    let mut body = Map::new();
    if !question.system.is_empty() {
        body.insert("systemInstruction".into(), object!({ "parts": [{ "text": question.system }] }));
    }
    body.insert("contents".into(), question.messages.iter().map(message).collect::<Vec<_>>().into());
    let mut settings = Map::new();
    settings.insert("maxOutputTokens".into(), question.max_tokens.into());
    if let Some(temperature) = question.temperature {
        settings.insert("temperature".into(), temperature.into());
    }
    body.insert("generationConfig".into(), settings.into());
    if !question.tools.is_empty() {
        let tools = question.tools.iter().map(
            |tool| object!({ "name": tool.name, "description": tool.description, "parameters_json_schema": tool.schema }),
        );
        body.insert("tools".into(), object!([{ "functionDeclarations": tools.collect::<Vec<_>>() }]));
    }
    body.into()
}

fn message(message: &Message) -> Value {
    let parts = message.parts.iter().map(|part| match part {
        Part::Text(text) => object!({ "text": text }),
        Part::Image { media_type, bytes } => {
            let data = base64::engine::general_purpose::STANDARD.encode(bytes);
            object!({ "inlineData": { "mime_type": media_type, "data": data } })
        }
        Part::Call(call) => {
            let args = serde_json::from_str::<Value>(&call.arguments).unwrap_or_else(|_| object!({}));
            object!({ "functionCall": { "name": call.name, "args": args } })
        }
        Part::Result { id: _, name, text } => {
            object!({ "functionResponse": { "name": name, "response": { "result": text } } })
        }
    });
    let role = if message.speaker == Speaker::Person { "user" } else { "model" };
    object!({ "role": role, "parts": parts.collect::<Vec<_>>() })
}

/// Reads the stream of an answer.
#[derive(Default)]
pub(super) struct Reader {
    calls: u32,
    finish: Option<Finish>,
    any: bool,
}

impl Reader {
    pub(super) fn read(&mut self, data: &str) -> Result<Vec<News>, Trouble> {
        let event = json(data)?;
        if let Some(error) = event.get("error") {
            return Err(Trouble::said(error));
        }
        if !event.is_object() {
            return Err(Trouble::Garbage("an event of the stream is not an object".to_owned()));
        }
        let mut news = Vec::new();
        if event.pointer("/promptFeedback/blockReason").is_some() {
            self.any = true;
            self.finish = Some(Finish::Filtered);
        }
        if let Some(candidate) = event.pointer("/candidates/0") {
            self.any = true;
            for part in candidate.pointer("/content/parts").and_then(Value::as_array).into_iter().flatten() {
                let thought = part.get("thought").and_then(Value::as_bool) == Some(true);
                if let Some(text) = part.get("text").and_then(Value::as_str).filter(|text| !thought && !text.is_empty())
                {
                    news.push(News::Text(text.to_owned()));
                }
                if let Some(call) = part.get("functionCall") {
                    self.calls = self.calls.saturating_add(1);
                    let word = |key: &str| call.get(key).and_then(Value::as_str).map(str::to_owned);
                    news.push(News::Call(ToolCall {
                        id: word("id").unwrap_or_else(|| format!("call-{}", self.calls)),
                        name: word("name").unwrap_or_default(),
                        arguments: call.get("args").map_or_else(|| "{}".to_owned(), Value::to_string),
                    }));
                }
            }
            if let Some(reason) = candidate.get("finishReason").and_then(Value::as_str) {
                self.finish = Some(match reason {
                    "STOP" if self.calls > 0 => Finish::Tools,
                    "STOP" => Finish::End,
                    "MAX_TOKENS" | "CONTINUATION" => Finish::Length,
                    "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "ESCALATION"
                    | "MODEL_ARMOR" | "LANGUAGE" => Finish::Filtered,
                    other => Finish::Other(other.chars().take(40).collect()),
                });
            }
        }
        if let Some(usage) = event.get("usageMetadata") {
            let written = count(usage, "candidatesTokenCount").saturating_add(count(usage, "thoughtsTokenCount"));
            news.push(News::Usage(Usage { input_tokens: count(usage, "promptTokenCount"), output_tokens: written }));
        }
        Ok(news)
    }

    pub(super) fn end(self) -> Result<Vec<News>, Trouble> {
        match self.finish {
            Some(finish) => Ok(vec![News::Finish(finish)]),
            None if self.any => Err(Trouble::Cut),
            None => Err(Trouble::Garbage("it sent no answer".to_owned())),
        }
    }
}
