"""OpenAI's library through the gateway: a chat, and a second one as a stream.

    pip install openai
    strongroom run --gateway --usd 1 -- python openai_chat.py

The program names no address and holds no key: `run --gateway` sets OPENAI_BASE_URL and OPENAI_API_KEY. A program that is
started in another way says it itself: OpenAI(base_url="http://127.0.0.1:8420/openai/v1", api_key=TOKEN).
"""

import openai

client = openai.OpenAI()
messages = [{"role": "user", "content": "Say hello."}]

try:
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=messages, max_tokens=50)
    print("answer:", answer.choices[0].message.content)

    stream = client.chat.completions.create(model="gpt-4o-mini", messages=messages, max_tokens=50, stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    print("stream:", text)
except openai.RateLimitError as error:
    print("refused:", error)
