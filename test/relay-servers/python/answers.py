"""Prints what the SDK makes of a model server's answers: a parsed object, streamed text, fields of its own, an error."""

import json
from typing import Annotated, Literal

from openai import BadRequestError, OpenAI
from pydantic import BaseModel, Field

client = OpenAI()
question = {
    "model": "gemma-2-9b-it",
    "messages": [{"role": "user", "content": "Why is the sky blue?"}],
    "max_tokens": 12,
}


class City(BaseModel):
    name: Annotated[str, Field(max_length=12)]
    country: Literal["Norway", "Sweden"]
    coastal: bool


def parsed() -> dict:
    completion = client.chat.completions.parse(
        **{**question, "max_tokens": 80}, temperature=0, response_format=City
    )
    city = completion.choices[0].message.parsed
    return {"type": type(city).__name__, "value": city.model_dump()}


def streamed() -> dict:
    stream = client.chat.completions.create(
        **question, temperature=0, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    return {
        "text": "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]),
        "completion_tokens": chunks[-1].usage.completion_tokens,
    }


def text(extra_body: dict) -> str:
    completion = client.chat.completions.create(**question, temperature=1, extra_body=extra_body)
    return completion.choices[0].message.content


def failure() -> dict:
    try:
        client.chat.completions.create(**question, temperature="hot")
    except BadRequestError as error:
        return {"type": error.type, "code": error.code, "message": error.body["message"]}
    return {}


print(
    json.dumps(
        {
            "parsed": parsed(),
            "streamed": streamed(),
            "top_k": text({"top_k": 1}),
            "nested_top_k": text({"extra_body": {"top_k": 1}}),
            "failure": failure(),
        }
    )
)
