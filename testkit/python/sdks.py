"""The providers' own Python libraries as clients of the gateway: base URL and token are all that is changed.

Environment: GATEWAY (base URL), TOKEN, EMPTY_TOKEN (one whose limit is used up). Ends with an exception, or prints `ok` and
how many calls were to be refused by a limit.
"""

import os
import warnings

import anthropic
import groq
import openai
from google import genai
from google.genai import errors as google_errors
from google.genai import types as google_types

# Libraries warn of what their next version will change.
warnings.simplefilter("ignore")

GATEWAY = os.environ["GATEWAY"]
TOKEN = os.environ["TOKEN"]
EMPTY = os.environ["EMPTY_TOKEN"]
WORDS = "Hello from the fake."
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
ASK = [{"role": "user", "content": "Hello?"}]
limited = 0


def fails(kind, call):
    """Runs the call, which is to raise exactly this class."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def over_the_limit(kind, call):
    global limited
    limited += 1
    error = fails(kind, call)
    assert "Rate limit exceeded" in str(error), error


def chat(library, client_class, base_url, model, path_only=False):
    """OpenAI's language, as openai and groq speak it."""
    client = client_class(base_url=base_url, api_key=TOKEN)
    answer = client.chat.completions.create(model=model, messages=ASK, max_tokens=20)
    assert answer.choices[0].message.content == WORDS, answer
    assert answer.usage.total_tokens == 17, answer.usage
    stream = client.chat.completions.create(model=model, messages=ASK, max_tokens=20, stream=True)
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == WORDS
    called = client.chat.completions.create(model=model, messages=ASK, max_tokens=20, tools=[FUNCTION])
    assert called.choices[0].message.tool_calls[0].function.name == "weather", called
    missing = "no-such-model" if "/" not in model else model.split("/")[0] + "/no-such-model"
    fails(library.NotFoundError, lambda: client.chat.completions.create(model=missing, messages=ASK, max_tokens=1))
    stranger = client_class(base_url=base_url, api_key="sk-not-ours")
    fails(
        library.AuthenticationError,
        lambda: stranger.chat.completions.create(model=model, messages=ASK, max_tokens=1),
    )
    empty = client_class(base_url=base_url, api_key=EMPTY)
    over_the_limit(
        library.RateLimitError,
        lambda: empty.chat.completions.create(model=model, messages=ASK, max_tokens=1),
    )
    over_the_limit(
        library.RateLimitError,
        lambda: empty.chat.completions.create(model=model, messages=ASK, max_tokens=1, stream=True),
    )
    return client


client = chat(openai, openai.OpenAI, f"{GATEWAY}/openai/v1", "gpt-4o-mini")
answer = client.responses.create(model="gpt-4o-mini", input="Hello?", max_output_tokens=20)
assert answer.output_text == WORDS, answer
with client.responses.stream(model="gpt-4o-mini", input="Hello?", max_output_tokens=20) as stream:
    said = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
assert said == WORDS, said
vector = client.embeddings.create(model="text-embedding-3-small", input="Hello").data[0].embedding
assert vector == [1.0, 2.0], vector
assert client.models.list().data[0].id == "fake-model"
asked = client.chat.completions.create(
    model="gpt-4o-mini", messages=ASK, max_tokens=20, stream=True, stream_options={"include_usage": True}
)
assert list(asked)[-1].usage.total_tokens == 17

chat(openai, openai.OpenAI, f"{GATEWAY}/openrouter/api/v1", "meta/llama")
chat(groq, groq.Groq, f"{GATEWAY}/groq", "llama-3.1-8b-instant")
for model in ["openai/gpt-4o-mini", "anthropic/claude-fake", "gemini/gemini-fake", "groq/llama"]:
    chat(openai, openai.OpenAI, f"{GATEWAY}/v1", model)

client = anthropic.Anthropic(base_url=f"{GATEWAY}/anthropic", api_key=TOKEN)
answer = client.messages.create(model="claude-fake", messages=ASK, max_tokens=20)
assert answer.content[0].text == WORDS and answer.usage.output_tokens == 5, answer
with client.messages.stream(model="claude-fake", messages=ASK, max_tokens=20) as stream:
    assert "".join(stream.text_stream) == WORDS
    assert stream.get_final_message().usage.output_tokens == 5
tool = {"name": "weather", "input_schema": SCHEMA}
called = client.messages.create(model="claude-fake", messages=ASK, max_tokens=20, tools=[tool])
assert called.content[0].name == "weather" and called.stop_reason == "tool_use", called
assert client.messages.count_tokens(model="claude-fake", messages=ASK).input_tokens == 12
beta = client.beta.messages.create(
    model="claude-fake", messages=ASK, max_tokens=20, betas=["context-1m-2025-08-07"]
)
assert beta.content[0].text == WORDS, beta
assert client.models.list().data[0].id == "claude-fake"
fails(
    anthropic.NotFoundError,
    lambda: client.messages.create(model="no-such-model", messages=ASK, max_tokens=1),
)
stranger = anthropic.Anthropic(base_url=f"{GATEWAY}/anthropic", api_key="sk-ant-not-ours")
fails(
    anthropic.AuthenticationError,
    lambda: stranger.messages.create(model="claude-fake", messages=ASK, max_tokens=1),
)
empty = anthropic.Anthropic(base_url=f"{GATEWAY}/anthropic", api_key=EMPTY)
over_the_limit(
    anthropic.RateLimitError,
    lambda: empty.messages.create(model="claude-fake", messages=ASK, max_tokens=1),
)
# What coding assistants do: a bearer token, and the door for all.
bearer = anthropic.Anthropic(base_url=GATEWAY, auth_token=TOKEN, api_key=None)
assert bearer.messages.create(model="claude-fake", messages=ASK, max_tokens=20).content[0].text == WORDS


def google(token):
    return genai.Client(api_key=token, http_options=google_types.HttpOptions(base_url=f"{GATEWAY}/gemini"))


client = google(TOKEN)
answer = client.models.generate_content(model="gemini-fake", contents="Hello?")
assert answer.text == WORDS and answer.usage_metadata.prompt_token_count == 12, answer
chunks = client.models.generate_content_stream(model="gemini-fake", contents="Hello?")
assert "".join(chunk.text for chunk in chunks) == WORDS
declared = google_types.FunctionDeclaration(name="weather", parameters_json_schema=SCHEMA)
with_tool = google_types.GenerateContentConfig(
    tools=[google_types.Tool(function_declarations=[declared])],
    automatic_function_calling=google_types.AutomaticFunctionCallingConfig(disable=True),
)
called = client.models.generate_content(model="gemini-fake", contents="Hello?", config=with_tool)
assert called.function_calls[0].name == "weather", called
assert client.models.count_tokens(model="gemini-fake", contents="Hello?").total_tokens == 12
missing = fails(
    google_errors.ClientError,
    lambda: client.models.generate_content(model="no-such-model", contents="Hello?"),
)
assert missing.code == 404, missing
stranger = google("AIza-not-ours")
refused = fails(
    google_errors.ClientError,
    lambda: stranger.models.generate_content(model="gemini-fake", contents="Hello?"),
)
assert refused.code == 401, refused
empty = google(EMPTY)
over_the_limit(
    google_errors.ClientError,
    lambda: empty.models.generate_content(model="gemini-fake", contents="Hello?"),
)

print(f"ok {limited}")
