"""Renders conversations by Python's jinja2 in the way of `transformers`, for comparison with this crate's templates.

python templates.py FOLDER [NAME ...] > cases.json    (needs jinja2)
FOLDER holds chat templates (*.jinja), such as llama.cpp's models/templates inside the source package llama-cpp-python;
NAMEs choose some of them. `cargo run --example templates -- cases.json` compares all; templates.json has a few.
"""
import datetime, json, pathlib, sys
import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = 1795386600

SCHEMA = {"type": "object", "properties": {"city": {"type": "string", "description": "Where, e.g. \"M\u00fcnchen\" <or> Rome"},
          "days": {"type": "integer", "minimum": 1}}, "required": ["city"]}
TOOLS = [{"name": "weather", "description": "Tells the weather.", "parameters": json.dumps(SCHEMA, ensure_ascii=False)},
         {"name": "now", "description": "Tells the time & date", "parameters": '{"type": "object", "properties": {}}'}]
HI = ("user", " What's the capital of France? ")
SYSTEM = ("system", "You are brief.\n\nVery \"brief\".")
CALL = ("call", '{"name": "weather", "arguments": {"city": "M\u00fcnchen", "days": 2, "x": [1.5, null, true]}}')
CONVERSATIONS = [
    ("one question", [HI], [], None),
    ("with instructions", [SYSTEM, HI], [], None),
    ("two turns", [SYSTEM, HI, ("assistant", "Paris.\n"), ("user", "And <b>Italy</b>'s?")], [], None),
    ("two turns without instructions", [HI, ("assistant", " Paris."), ("user", "")], [], None),
    ("thinking", [SYSTEM, HI], [], True),
    ("not thinking", [HI], [], False),
    ("tools", [SYSTEM, HI], TOOLS, None),
    ("tools without instructions", [HI], TOOLS, False),
    ("a call", [SYSTEM, ("user", "Weather?"), CALL, ("tool", '{"sky": "grey"}')], TOOLS, None),
    ("a call with words", [("user", "Weather?"), ("assistant", "One moment."), CALL, ("tool", "grey"), ("assistant", "Grey."), ("user", "Thanks")], TOOLS, None),
    ("two calls", [("user", "Weather?"), CALL, ("call", '{"name": "now", "arguments": {}}'), ("tool", "grey"), ("tool", "noon")], TOOLS, None),
]


class Generation(Extension):
    """The block that marks what a model is trained on; it changes nothing."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.Scope(body, lineno=line)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def refuse(why):
    raise jinja2.exceptions.TemplateError(why)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = refuse
    env.globals["strftime_now"] = lambda f: datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc).strftime(f)
    return env


def messages(turns, as_text):
    out, waiting, n = [], [], 0
    for i, (role, text) in enumerate(turns):
        if role == "call":
            call = json.loads(text)
            arguments = json.dumps(call["arguments"], ensure_ascii=False) if as_text else call["arguments"]
            one = {"id": f"call{n:05}", "type": "function", "function": {"name": call["name"], "arguments": arguments}}
            n += 1
            waiting.append((one["id"], call["name"]))
            if turns[i - 1][0] not in ("assistant", "call"):
                out.append({"role": "assistant", "content": ""})
            out[-1].setdefault("tool_calls", []).append(one)
        elif role == "tool":
            id, name = waiting.pop(0)
            out.append({"role": "tool", "name": name, "tool_call_id": id, "content": text})
        else:
            out.append({"role": role, "content": text})
    return out


def render(template, turns, tools, thinking):
    given = {"add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>", "documents": None,
             "tools": [{"type": "function", "function": dict(t, parameters=json.loads(t["parameters"]))} for t in tools] or None}
    if thinking is not None:
        given.update(enable_thinking=thinking, thinking=thinking)
    error = None
    for as_text in [False, True] if any(r == "call" for r, _ in turns) else [False]:
        try:
            if isinstance(template, Exception):
                raise template
            return template.render(messages=messages(turns, as_text), **given)
        except Exception as e:
            error = error or f"{type(e).__name__}: {e}"
    return {"error": error}


def main():
    folder, chosen = pathlib.Path(sys.argv[1]), sys.argv[2:]
    conversations = [{"what": w, "messages": m, "tools": t, "thinking": k} for w, m, t, k in CONVERSATIONS]
    templates = []
    for path in sorted(folder.glob("*.jinja")):
        if not chosen or path.stem in chosen:
            source = path.read_text()
            try:
                template = environment().from_string(source)
            except Exception as e:
                template = e
            templates.append({"name": path.stem, "source": source,
                              "want": [render(template, m, t, k) for _, m, t, k in CONVERSATIONS]})
    json.dump({"now_s": NOW, "conversations": conversations, "templates": templates}, sys.stdout, ensure_ascii=False, indent=0)


main()
