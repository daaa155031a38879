"""Bodies of requests as the providers' own Python libraries write them, for `testkit/golden/requests/`.

Usage: request_bodies.py DIRECTORY. Writes one file per library, one line per request: its path below the gateway, and its
body as it was sent, to the byte. The libraries talk to a recorder on this machine, which refuses everything. The same
versions write the same files.
"""

import base64
import json
import pathlib
import sys
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import combinations
from typing import Literal

import anthropic
import groq
import openai
from google import genai
from google.genai import types as google
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText
from openai.types.responses import ResponseReasoningItem
from pydantic import BaseModel, Field

warnings.simplefilter("ignore")

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(24)).decode()
LONG = "The quick brown fox jumps over the lazy dog, äöü 狐 🦊 \"quoted\" \\ and\na new line. " * 8


class Recorder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        Recorder.seen.append((self.path.split("?")[0], body))
        answer = json.dumps({"error": {"message": "recorded", "type": "recorded", "code": 400, "status": "X"}}).encode()
        self.send_response(400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
threading.Thread(target=server.serve_forever, daemon=True).start()
BASE = f"http://127.0.0.1:{server.server_port}"


def refused(call):
    """Runs the call, which sends its request and raises what the recorder says."""
    before = len(Recorder.seen)
    try:
        call()
    except (openai.BadRequestError, anthropic.BadRequestError, groq.BadRequestError, genai.errors.ClientError):
        pass
    assert len(Recorder.seen) == before + 1, "nothing was sent"


def alone_and_together(features):
    """Each, every two that do not name the same field, and all."""
    yield {}
    yield from features
    for one, other in combinations(features, 2):
        if not one.keys() & other.keys():
            yield one | other


class Step(BaseModel):
    explanation: str
    output: float


class Solution(BaseModel):
    """Steps to an answer."""

    steps: list[Step]
    answer: str | None = None
    kind: Literal["a", "b"] = Field(default="a", description="Which kind.")


SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "Where"},
        # Names that are marks elsewhere.
        "file": {"type": "string", "enum": ["image_url", "input_file"]},
        "days": {"type": "array", "items": {"type": "integer"}},
    },
    "required": ["city"],
    "additionalProperties": False,
}
FUNCTION = {"type": "function", "function": {"name": "weather", "description": LONG, "parameters": SCHEMA, "strict": True}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Köln","file":"image_url"}'}}
SAID = {"role": "user", "content": "How is the weather in Köln? Use \"image_url\" and {\"type\":\"file\"}."}
CHAT_HISTORIES = [
    [SAID],
    [{"role": "system", "content": LONG}, SAID],
    [{"role": "developer", "content": [{"type": "text", "text": LONG}]}, SAID | {"name": "ada"}],
    [SAID, {"role": "assistant", "content": None, "tool_calls": [CALL]},
     {"role": "tool", "tool_call_id": "call_1", "content": "12 °C"}],
    [SAID, {"role": "assistant", "content": "No.", "refusal": None}, {"role": "user", "content": "Why?"}],
    [{"role": "user", "content": [{"type": "text", "text": "What is this?"},
                                  {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}", "detail": "low"}}]}],
]
OPENAI_CHAT = [
    {"max_tokens": 200},
    {"max_completion_tokens": 4000},
    {"temperature": 0.2, "top_p": 0.9, "seed": 7, "stop": ["\n\n"]},
    {"n": 3},
    {"stream": True},
    {"stream": True, "stream_options": {"include_usage": True}},
    {"tools": [FUNCTION], "tool_choice": "auto", "parallel_tool_calls": False},
    {"tools": [{"type": "custom", "custom": {"name": "code", "format": {"type": "text"}}}]},
    {"response_format": {"type": "json_object"}},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA, "strict": True}}},
    {"reasoning_effort": "low", "verbosity": "low", "store": False, "metadata": {"file": "document"}},
    {"logprobs": True, "top_logprobs": 3, "logit_bias": {"50256": -100}, "user": "u-1"},
    {"frequency_penalty": 0.1, "presence_penalty": 0.1, "service_tier": "flex", "safety_identifier": "s"},
    {"prompt_cache_key": "k", "prompt_cache_retention": "24h"},
    {"prediction": {"type": "content", "content": LONG}},
    {"modalities": ["text", "audio"], "audio": {"voice": "ash", "format": "wav"}},
]


def openai_bodies():
    client = openai.OpenAI(base_url=f"{BASE}/openai/v1", api_key="k", max_retries=0)
    for history in CHAT_HISTORIES:
        refused(lambda: client.chat.completions.create(model="gpt-4o-mini", messages=history, max_tokens=50))
    for options in alone_and_together(OPENAI_CHAT):
        refused(lambda: client.chat.completions.create(model="gpt-4o-mini", messages=[SAID], **options))
    refused(lambda: client.chat.completions.parse(model="gpt-4o-mini", messages=[SAID], response_format=Solution))
    refused(lambda: client.chat.completions.parse(
        model="gpt-4o-mini", messages=[SAID], tools=[openai.pydantic_function_tool(Solution)]))
    with_stream = client.chat.completions.stream(model="gpt-4o-mini", messages=[SAID], max_completion_tokens=9)
    refused(lambda: with_stream.__enter__())
    for part in [{"type": "input_audio", "input_audio": {"data": PIXEL, "format": "wav"}},
                 {"type": "file", "file": {"file_id": "file-1"}}]:
        refused(lambda: client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": [part]}]))
    for prompt in ["Once", ["Once", "Twice"], [15339, 1917], [[15339], [1917, 2]]]:
        for options in [{}, {"max_tokens": 16, "n": 2, "best_of": 3, "echo": True}, {"stream": True, "suffix": "end"}]:
            refused(lambda: client.completions.create(model="gpt-3.5-turbo-instruct", prompt=prompt, **options))
    for given in ["Once", ["Once", "Twice"], [1, 2, 3], [[1, 2], [3]]]:
        for options in [{}, {"dimensions": 256, "encoding_format": "float", "user": "u"}]:
            refused(lambda: client.embeddings.create(model="text-embedding-3-small", input=given, **options))
    refused(lambda: client.moderations.create(input=["a", "b"]))
    refused(lambda: client.images.generate(model="gpt-image-1", prompt="a fox", n=2))

    message = ResponseOutputMessage(
        id="msg_1", role="assistant", status="completed", type="message",
        content=[ResponseOutputText(type="output_text", text="Hello", annotations=[])])
    reasoning = ResponseReasoningItem(id="rs_1", type="reasoning", summary=[], encrypted_content="gAAAA" + PIXEL)
    call = ResponseFunctionToolCall(type="function_call", call_id="c", name="weather", arguments="{}", id="fc_1")
    output = {"type": "function_call_output", "call_id": "c", "output": "12 °C"}
    for given in [
        LONG,
        [SAID],
        [{"role": "user", "content": [{"type": "input_text", "text": LONG}]}],
        [SAID, message, {"role": "user", "content": "And now?"}],
        [SAID, reasoning, call, output],
        [SAID, call, {**output, "output": [{"type": "input_text", "text": "12 °C"}]}],
        [{"role": "user", "content": [{"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"}]}],
        [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}],
        [{"type": "item_reference", "id": "msg_1"}],
        [SAID, {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": "*** Begin"},
         {"type": "custom_tool_call_output", "call_id": "c", "output": "done"}],
        [SAID, {"type": "local_shell_call", "id": "l", "call_id": "c", "status": "completed",
                "action": {"type": "exec", "command": ["ls"], "env": {}}},
         {"type": "local_shell_call_output", "id": "l", "output": "a b"}],
    ]:
        refused(lambda: client.responses.create(model="gpt-5-mini", input=given, max_output_tokens=500))
    function = {"type": "function", "name": "weather", "description": "w", "parameters": SCHEMA, "strict": True}
    for options in alone_and_together([
        {"instructions": LONG},
        {"max_output_tokens": 1000},
        {"stream": True},
        {"stream": True, "stream_options": {"include_obfuscation": False}},
        {"tools": [function], "tool_choice": "required", "parallel_tool_calls": True},
        {"tools": [function, {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}}]},
        {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"], "store": False},
        {"text": {"format": {"type": "json_schema", "name": "s", "schema": SCHEMA, "strict": True}, "verbosity": "low"}},
        {"temperature": 0.1, "top_p": 1, "truncation": "auto", "user": "u", "metadata": {"a": "b"}},
        {"service_tier": "auto", "prompt_cache_key": "k", "safety_identifier": "s", "top_logprobs": 2},
        {"background": False},
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"tools": [{"type": "web_search", "search_context_size": "low"}], "max_tool_calls": 2},
        {"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"], "max_num_results": 5}]},
        {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
        {"tools": [{"type": "mcp", "server_label": "m", "server_url": "https://example.com", "require_approval": "never"}]},
        {"tools": [{"type": "image_generation"}]},
        {"prompt": {"id": "pmpt_1", "version": "2", "variables": {"city": "Köln"}}},
    ]):
        refused(lambda: client.responses.create(model="gpt-5-mini", input="Hello", **options))
    refused(lambda: client.responses.parse(model="gpt-5-mini", input="Hello", text_format=Solution))
    refused(lambda: client.responses.stream(model="gpt-5-mini", input="Hello").__enter__())

    # OpenAI's library at the doors of the others.
    router = openai.OpenAI(base_url=f"{BASE}/openrouter/api/v1", api_key="k", max_retries=0)
    for extra in [
        {},
        {"provider": {"order": ["azure"], "allow_fallbacks": False}},
        {"transforms": ["middle-out"], "usage": {"include": True}},
        {"reasoning": {"effort": "high", "exclude": True}},
        {"reasoning": {"max_tokens": 2000}},
        {"top_k": 4, "min_p": 0.1, "top_a": 0.2, "repetition_penalty": 1.1},
        {"models": ["openai/gpt-4o", "anthropic/claude-sonnet-4.5"]},
        {"plugins": [{"id": "web", "max_results": 3}]},
        {"plugins": [{"id": "response-healing"}]},
    ]:
        refused(lambda: router.chat.completions.create(
            model="openai/gpt-4o-mini", messages=[SAID], max_tokens=40, extra_body=extra))
    everything = openai.OpenAI(base_url=f"{BASE}/v1", api_key="k", max_retries=0)
    for extra in [
        {},
        {"extra_body": {"google": {"thinking_config": {"thinking_budget": 800, "include_thoughts": True}}}},
        {"extra_body": {"google": {"cached_content": "cachedContents/1"}}},
        {"thinking": {"type": "enabled", "budget_tokens": 2000}},
    ]:
        refused(lambda: everything.chat.completions.create(
            model="gemini/gemini-2.5-flash", messages=[SAID], max_tokens=40, extra_body=extra))
    refused(lambda: everything.embeddings.create(model="openai/text-embedding-3-small", input="a"))


def groq_bodies():
    client = groq.Groq(base_url=f"{BASE}/groq", api_key="k", max_retries=0)
    for history in CHAT_HISTORIES:
        refused(lambda: client.chat.completions.create(model="llama-3.3-70b-versatile", messages=history, max_tokens=50))
    for options in alone_and_together([
        {"max_completion_tokens": 100},
        {"max_tokens": 100},
        {"stream": True},
        {"temperature": 0.5, "top_p": 0.5, "stop": None, "seed": 1},
        {"tools": [FUNCTION], "tool_choice": "auto"},
        {"response_format": {"type": "json_object"}},
        {"reasoning_effort": "default", "reasoning_format": "parsed"},
        {"include_reasoning": True, "service_tier": "on_demand", "user": "u"},
        {"documents": [{"source": {"type": "text", "text": LONG}, "id": "d"}], "citation_options": "enabled"},
        {"search_settings": {"country": "germany"}},
        {"compound_custom": {"tools": {"enabled_tools": ["web_search"]}}},
        {"tools": [{"type": "browser_search"}]},
    ]):
        refused(lambda: client.chat.completions.create(model="openai/gpt-oss-20b", messages=[SAID], **options))
    refused(lambda: client.chat.completions.create(model="groq/compound", messages=[SAID], max_tokens=9))
    refused(lambda: client.embeddings.create(model="nomic-embed-text-v1_5", input=["a", "b"]))


def anthropic_bodies():
    client = anthropic.Anthropic(base_url=f"{BASE}/anthropic", api_key="k", max_retries=0)
    tool = {"name": "weather", "description": LONG, "input_schema": SCHEMA}
    cached = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    used = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Köln", "image_url": "x"}}
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}

    def result(content):
        return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": content}]}

    thinking = {"type": "thinking", "thinking": "Hm.", "signature": "Eo" + PIXEL}
    for messages in [
        [SAID],
        [{"role": "user", "content": [{"type": "text", "text": LONG, **cached}]}],
        [SAID, {"role": "assistant", "content": [{"type": "text", "text": "Let me see."}, used]}, result("12 °C")],
        [SAID, {"role": "assistant", "content": [thinking, used]}, result([{"type": "text", "text": "12 °C"}])],
        [SAID, {"role": "assistant", "content": [{"type": "redacted_thinking", "data": PIXEL}, used]}, result([image])],
        [{"role": "user", "content": [image, {"type": "text", "text": "What is this?"}]}],
        [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}]}],
        [{"role": "user", "content": [{"type": "document", "title": "t", "context": "c", "citations": {"enabled": True},
                                       "source": {"type": "text", "media_type": "text/plain", "data": LONG}}]}],
        [{"role": "user", "content": [{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": LONG}}]}],
        [{"role": "user", "content": [{"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PIXEL}}]}],
        [{"role": "user", "content": [{"type": "search_result", "source": "https://example.com", "title": "t",
                                       "content": [{"type": "text", "text": LONG}]}]}],
        [SAID, {"role": "assistant", "content": "The answer is"}],
    ]:
        refused(lambda: client.messages.create(model="claude-sonnet-4-5", max_tokens=300, messages=messages))
        refused(lambda: client.messages.count_tokens(model="claude-sonnet-4-5", messages=messages))
    for options in alone_and_together([
        {"system": LONG},
        {"system": [{"type": "text", "text": LONG, **cached}]},
        {"stream": True},
        {"stop_sequences": ["END"], "extra_body": {"temperature": 0.3, "top_p": 0.9, "top_k": 5}},
        {"metadata": {"user_id": "u"}, "service_tier": "standard_only"},
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        {"tools": [tool], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        {"tools": [{**tool, "type": "custom", "strict": True, "input_examples": [{"city": "Köln"}], **cached}]},
        {"tools": [{"type": "bash_20250124", "name": "bash"}]},
        {"tools": [{"type": "text_editor_20250728", "name": "str_replace_based_edit_tool", "max_characters": 9000}]},
        {"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}]},
        {"tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]},
        {"tools": [{"type": "code_execution_20250825", "name": "code_execution"}]},
        {"inference_geo": "us"},
        {"cache_control": {"type": "ephemeral"}},
    ]):
        refused(lambda: client.messages.create(model="claude-sonnet-4-5", max_tokens=2048, messages=[SAID], **options))
    refused(lambda: client.messages.stream(model="claude-sonnet-4-5", max_tokens=9, messages=[SAID]).__enter__())
    refused(lambda: client.messages.parse(
        model="claude-sonnet-4-5", max_tokens=9, messages=[SAID], output_format=Solution))
    for options in [
        {"betas": ["context-1m-2025-08-07"]},
        {"betas": ["context-management-2025-06-27"], "context_management": {"edits": [
            {"type": "clear_tool_uses_20250919", "trigger": {"type": "input_tokens", "value": 30000},
             "keep": {"type": "tool_uses", "value": 3}, "clear_tool_inputs": True}]}},
        {"betas": ["compact-2026-01-12"], "context_management": {"edits": [{"type": "compact_20260112"}]}},
        {"betas": ["mcp-client-2025-11-20"], "mcp_servers": [{"type": "url", "url": "https://example.com", "name": "m"}]},
        {"betas": ["computer-use-2025-01-24"], "tools": [{"type": "computer_20250124", "name": "computer",
                                                          "display_width_px": 1024, "display_height_px": 768}]},
        {"speed": "fast", "betas": ["fast-mode-2026-02-01"]},
        {"container": "container_1", "betas": ["skills-2025-10-02"]},
    ]:
        refused(lambda: client.beta.messages.create(
            model="claude-sonnet-4-5", max_tokens=100, messages=[SAID], **options))
    bearer = anthropic.Anthropic(base_url=BASE, auth_token="t", api_key=None, max_retries=0)
    refused(lambda: bearer.messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=[SAID], system=LONG, stream=True))


def google_bodies():
    client = genai.Client(api_key="k", http_options=google.HttpOptions(base_url=f"{BASE}/gemini"))
    part = google.Part
    declared = google.FunctionDeclaration(name="weather", description=LONG, parameters_json_schema=SCHEMA)
    called = google.Content(role="model", parts=[google.Part(
        function_call=google.FunctionCall(name="weather", args={"city": "Köln", "inlineData": 1}), thought_signature=b"abc")])
    for contents in [
        "Hello",
        ["Hello", "World"],
        [google.Content(role="user", parts=[part.from_text(text=LONG)])],
        [google.UserContent(parts=["Hello"]), called,
         google.Content(role="user", parts=[part.from_function_response(name="weather", response={"fileData": "12 °C"})])],
        [part.from_bytes(data=b"\x89PNG", mime_type="image/png"), "What is this?"],
        [part.from_uri(file_uri="https://example.com/a.pdf", mime_type="application/pdf")],
        [google.Content(role="model", parts=[google.Part(text="Hm.", thought=True)]), "Go on"],
    ]:
        refused(lambda: client.models.generate_content(model="gemini-2.5-flash", contents=contents))
        refused(lambda: client.models.generate_content_stream(model="gemini-2.5-flash", contents=contents).__next__())
        refused(lambda: client.models.count_tokens(model="gemini-2.5-flash", contents=contents))
    manual = google.AutomaticFunctionCallingConfig(disable=True)
    for options in alone_and_together([
        {"max_output_tokens": 300},
        {"candidate_count": 2},
        {"temperature": 0.1, "top_p": 0.9, "top_k": 3, "seed": 5, "stop_sequences": ["END"]},
        {"system_instruction": LONG},
        {"response_mime_type": "application/json", "response_schema": Solution},
        {"response_mime_type": "application/json", "response_json_schema": SCHEMA},
        {"response_mime_type": "application/json", "response_json_schema": Solution.model_json_schema()},
        {"tools": [google.Tool(function_declarations=[declared])], "automatic_function_calling": manual},
        {"tools": [google.Tool(google_search=google.GoogleSearch())]},
        {"tools": [google.Tool(url_context=google.UrlContext())]},
        {"tools": [google.Tool(code_execution=google.ToolCodeExecution())]},
        {"tool_config": google.ToolConfig(function_calling_config=google.FunctionCallingConfig(mode="ANY"))},
        {"thinking_config": google.ThinkingConfig(thinking_budget=512, include_thoughts=True)},
        {"thinking_config": google.ThinkingConfig(thinking_level="low")},
        {"safety_settings": [google.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_NONE")]},
        {"response_modalities": ["TEXT"]},
        {"response_modalities": ["IMAGE", "TEXT"], "image_config": google.ImageConfig(aspect_ratio="1:1")},
        {"response_modalities": ["AUDIO"], "speech_config": "Kore"},
        {"cached_content": "cachedContents/1"},
        {"media_resolution": "MEDIA_RESOLUTION_LOW", "presence_penalty": 0.1, "frequency_penalty": 0.1},
        {"response_logprobs": True, "logprobs": 3},
        {"service_tier": "flex"},
    ]):
        config = google.GenerateContentConfig(**options)
        refused(lambda: client.models.generate_content(model="gemini-2.5-flash", contents="Hello", config=config))
    refused(lambda: client.chats.create(model="gemini-2.5-flash").send_message("Hello"))


folder = pathlib.Path(sys.argv[1])
for name, bodies in [
    ("openai", openai_bodies),
    ("groq", groq_bodies),
    ("anthropic", anthropic_bodies),
    ("google-genai", google_bodies),
]:
    Recorder.seen = []
    bodies()
    lines = [f'{{"path":{json.dumps(path)},"body":{body}}}\n' for path, body in dict.fromkeys(Recorder.seen)]
    (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    print(name, len(lines))
