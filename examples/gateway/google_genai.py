"""Google's Gen AI library through the gateway: content, and a second time as a stream.

    pip install google-genai
    strongroom run --gateway --usd 1 -- python google_genai.py

The program names no address and holds no key: `run --gateway` sets GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY. A program that
is started in another way says it itself:
genai.Client(api_key=TOKEN, http_options=types.HttpOptions(base_url="http://127.0.0.1:8420/gemini")).
"""

from google import genai
from google.genai import errors, types

client = genai.Client()
config = types.GenerateContentConfig(max_output_tokens=50)

try:
    answer = client.models.generate_content(model="gemini-2.5-flash", contents="Say hello.", config=config)
    print("answer:", answer.text)

    stream = client.models.generate_content_stream(model="gemini-2.5-flash", contents="Say hello.", config=config)
    print("stream:", "".join(chunk.text or "" for chunk in stream))
except errors.ClientError as error:
    if error.code != 429:
        raise
    print("refused:", error)
