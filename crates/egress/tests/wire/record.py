"""Records what the official SDKs of the providers send and read, as reference for `provider/`.

Each SDK is given the same question over a transport that answers nothing but notes the request; the bodies stand in
NAME.request.json. The streams are written through the SDKs' own types, so that what is read here is what they would
read, and stand in NAME.stream.txt. Nothing is sent anywhere.

    python3 -m venv venv && venv/bin/pip install openai anthropic mistralai google-genai
    venv/bin/python crates/egress/tests/wire/record.py
"""

import base64
import json
import pathlib

import httpx2 as httpx

HERE = pathlib.Path(__file__).parent
SYSTEM = "Answer from the passages."
TEXT = "What is the rent?\n“1 250 €” — [Person 1]"
PICTURE = base64.b64encode(b"\x89PNG....").decode()
SCHEMA = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
TOOL = ("look", "Looks a place up.", SCHEMA)
noted = {}


class Noted(Exception):
    """Raised in place of an answer."""


def note(request):
    noted["url"] = str(request.url)
    noted["headers"] = {k: v for k, v in request.headers.items()}
    noted["body"] = json.loads(request.content)
    raise Noted


def without_defaults(value):
    """Drops what Mistral's SDK writes although nobody said it; the format says that it goes without."""
    if isinstance(value, dict):
        for key, default in (("prefix", False), ("index", 0)):
            if value.get(key) is default or (key == "index" and value.get(key) == 0):
                value.pop(key)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        without_defaults(inner)


def keep(name, header, call):
    try:
        for _ in call() or []:
            pass
    except Exception as error:  # the SDKs wrap what the transport raises
        assert noted, (name, error)
    without_defaults(noted["body"])
    version = noted["headers"].get("anthropic-version")
    kept = {"path": httpx.URL(noted["url"]).raw_path.decode(), "key_header": header,
            "key": noted["headers"][header], "body": noted["body"], "version": version}
    (HERE / f"{name}.request.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    noted.clear()


def stream(name, events, named=False):
    lines = []
    for event in events:
        if named and isinstance(event, dict):
            lines.append(f"event: {event['type']}\n")
        lines.append(f"data: {event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)}\n\n")
    (HERE / f"{name}.stream.txt").write_text("".join(lines))


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def chat_messages():
    url = f"data:image/png;base64,{PICTURE}"
    return [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": [{"type": "text", "text": TEXT}, {"type": "image_url", "image_url": {"url": url}}]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call-1", "type": "function", "function": {"name": "look", "arguments": '{"place":"mill"}'}}]},
        {"role": "tool", "tool_call_id": "call-1", "content": "It stands."},
    ]


def chat_tools():
    name, description, schema = TOOL
    return [{"type": "function", "function": {"name": name, "description": description, "parameters": schema}}]


def openai():
    from openai import OpenAI
    from openai.types.chat import ChatCompletionChunk as Chunk

    client = OpenAI(api_key="k-123", base_url="http://peer/v1", max_retries=0,
                    http_client=httpx.Client(transport=httpx.MockTransport(note)))
    keep("openai", "authorization", lambda: client.chat.completions.create(
        model="gpt-x", messages=chat_messages(), tools=chat_tools(), temperature=0.5, max_completion_tokens=64,
        stream=True, stream_options={"include_usage": True}))

    def chunk(choices, usage=None):
        return plain(Chunk.model_validate({"id": "c", "created": 1, "model": "gpt-x",
                                           "object": "chat.completion.chunk", "choices": choices, "usage": usage}))

    def delta(finish=None, **said):
        return {"index": 0, "delta": said, "finish_reason": finish}

    call = {"index": 0, "id": "call-9", "type": "function", "function": {"name": "look", "arguments": '{"pl'}}
    more = {"index": 0, "function": {"arguments": 'ace":"mill"}'}}
    usage = {"prompt_tokens": 31, "completion_tokens": 7, "total_tokens": 38}
    stream("openai", [chunk([delta(role="assistant", content="")]), chunk([delta(content="The rent is ")]),
                      chunk([delta(content="1 250 €.")]), chunk([delta(tool_calls=[call])]),
                      chunk([delta(tool_calls=[more])]), chunk([delta("tool_calls")]), chunk([], usage), "[DONE]"])


def mistral():
    from mistralai.client import Mistral
    from mistralai.client.models import CompletionChunk

    client = Mistral(api_key="k-123", server_url="http://peer", client=httpx.Client(transport=httpx.MockTransport(note)))
    keep("mistral", "authorization", lambda: client.chat.stream(
        model="mistral-x", messages=chat_messages(), tools=chat_tools(), temperature=0.5, max_tokens=64))

    def chunk(said, finish=None, usage=None):
        event = {"id": "c", "model": "mistral-x", "object": "chat.completion.chunk", "created": 1,
                 "choices": [{"index": 0, "delta": said, "finish_reason": finish}]}
        if usage:
            event["usage"] = usage
        CompletionChunk.model_validate(event)
        return event

    call = {"id": "call-9", "index": 0, "function": {"name": "look", "arguments": '{"place":"mill"}'}}
    usage = {"prompt_tokens": 31, "completion_tokens": 7, "total_tokens": 38}
    stream("mistral", [chunk({"role": "assistant", "content": ""}), chunk({"content": "The rent is "}),
                       chunk({"content": [{"type": "text", "text": "1 250 €."}]}),
                       chunk({"content": "", "tool_calls": [call]}, "tool_calls", usage), "[DONE]"])


def anthropic():
    from anthropic import Anthropic
    from anthropic.types import RawMessageStreamEvent
    from pydantic import TypeAdapter

    client = Anthropic(api_key="k-123", base_url="http://peer", max_retries=0,
                       http_client=httpx.Client(transport=httpx.MockTransport(note)))
    name, description, schema = TOOL
    keep("anthropic", "authorization", lambda: client.messages.create(
        model="claude-x", max_tokens=64, system=SYSTEM, stream=True,
        extra_body={"temperature": 0.5},  # the SDK knows it no more, for newer models refuse it; older ones take it
        tools=[{"name": name, "description": description, "input_schema": schema}],
        messages=[
            {"role": "user", "content": [
                {"type": "text", "text": TEXT},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "call-1", "name": "look", "input": {"place": "mill"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call-1", "content": "It stands."}]},
        ]))
    types = TypeAdapter(RawMessageStreamEvent)

    def event(**said):
        return plain(types.validate_python(said))

    message = {"id": "m", "type": "message", "role": "assistant", "model": "claude-x", "content": [],
               "stop_reason": None, "stop_sequence": None,
               "usage": {"input_tokens": 21, "cache_read_input_tokens": 10, "output_tokens": 1}}
    text = {"type": "text_delta", "text": "The rent is "}
    stream("anthropic", [
        event(type="message_start", message=message),
        event(type="content_block_start", index=0, content_block={"type": "text", "text": "", "citations": None}),
        {"type": "ping"},
        event(type="content_block_delta", index=0, delta=text),
        event(type="content_block_delta", index=0, delta={"type": "text_delta", "text": "1 250 €."}),
        event(type="content_block_stop", index=0),
        event(type="content_block_start", index=1,
              content_block={"type": "tool_use", "id": "call-9", "name": "look", "input": {}}),
        event(type="content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": '{"pl'}),
        event(type="content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": 'ace":"mill"}'}),
        event(type="content_block_stop", index=1),
        event(type="message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None},
              usage={"output_tokens": 7}),
        event(type="message_stop"),
    ], named=True)


def google():
    from google import genai
    from google.genai import types

    client = genai.Client(api_key="k-123", http_options=types.HttpOptions(
        base_url="http://peer", httpx_client=httpx.Client(transport=httpx.MockTransport(note))))
    name, description, schema = TOOL
    keep("google", "x-goog-api-key", lambda: client.models.generate_content_stream(
        model="gemini-x",
        contents=[
            types.Content(role="user", parts=[types.Part(text=TEXT), types.Part(
                inline_data=types.Blob(mime_type="image/png", data=base64.b64decode(PICTURE)))]),
            types.Content(role="model", parts=[types.Part(
                function_call=types.FunctionCall(name="look", args={"place": "mill"}))]),
            types.Content(role="user", parts=[types.Part(function_response=types.FunctionResponse(
                name="look", response={"result": "It stands."}))]),
        ],
        config=types.GenerateContentConfig(
            system_instruction=types.Content(parts=[types.Part(text=SYSTEM)]), temperature=0.5, max_output_tokens=64,
            tools=[types.Tool(function_declarations=[types.FunctionDeclaration(
                name=name, description=description, parameters_json_schema=schema)])])))

    def event(parts, finish=None, usage=None):
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": finish}
        said = {"candidates": [candidate], "usageMetadata": usage}
        return plain(types.GenerateContentResponse.model_validate(said))

    usage = {"promptTokenCount": 31, "candidatesTokenCount": 5, "thoughtsTokenCount": 2}
    stream("google", [
        event([{"text": "I think.", "thought": True}]), event([{"text": "The rent is "}]),
        event([{"text": "1 250 €."}]),
        event([{"functionCall": {"id": "call-9", "name": "look", "args": {"place": "mill"}}}], "STOP", usage)])


for record in (openai, mistral, anthropic, google):
    record()
