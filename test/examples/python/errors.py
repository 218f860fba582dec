"""Prints the exceptions the SDK raises for requests that fail, and how they were answered."""

import json

import openai

client = openai.OpenAI()
question = {"model": "google/gemini-2.5-pro", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


def failure(**changes) -> dict:
    try:
        client.chat.completions.create(**{**question, **changes})
    except openai.APIStatusError as error:
        return {
            "class": type(error).__name__,
            "status": error.status_code,
            "code": error.code,
            "param": error.param,
            "type": error.type,
            "request_id": error.request_id,
            "message": error.message,
        }
    return {}


print(
    json.dumps(
        {
            "model": failure(model="meta/llama-3.3-70b-instruct-maas"),
            "temperature": failure(temperature=5),
            "stream": failure(temperature=5, stream=True),
            "media": failure(messages=[{"role": "user", "content": [image]}]),
        }
    )
)
