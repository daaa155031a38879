"""Anthropic's library through the gateway: a message, and a second one as a stream.

    pip install anthropic
    strongroom run --gateway --usd 1 -- python anthropic_messages.py

The program names no address and holds no key: `run --gateway` sets ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY. A program that
is started in another way says it itself: Anthropic(base_url="http://127.0.0.1:8420/anthropic", api_key=TOKEN).
"""

import anthropic

client = anthropic.Anthropic()
messages = [{"role": "user", "content": "Say hello."}]

try:
    answer = client.messages.create(model="claude-haiku-4-5", messages=messages, max_tokens=50)
    print("answer:", answer.content[0].text)

    with client.messages.stream(model="claude-haiku-4-5", messages=messages, max_tokens=50) as stream:
        print("stream:", "".join(stream.text_stream))
except anthropic.RateLimitError as error:
    print("refused:", error)
