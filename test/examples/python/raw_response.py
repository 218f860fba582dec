"""Prints the headers of a response, and the completion in it."""

import json

from openai import OpenAI

client = OpenAI()

response = client.chat.completions.with_raw_response.create(
    model="google/gemini-2.5-pro",
    messages=[{"role": "user", "content": "Why is the sky blue?"}],
    max_tokens=4,
)
completion = response.parse()

print(
    json.dumps(
        {
            "headers": dict(response.headers),
            "request_id": completion._request_id,
            "completion": completion.model_dump(exclude_unset=True),
        }
    )
)
