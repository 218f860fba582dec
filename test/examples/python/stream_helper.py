"""Prints what the SDK's stream helper makes of a stream: its events, and the completion at the end."""

import json
from typing import Annotated

from openai import OpenAI
from pydantic import BaseModel, Field

client = OpenAI()


class Answer(BaseModel):
    text: Annotated[str, Field(max_length=40)]


events = []
pieces = []
with client.chat.completions.stream(
    model="google/gemini-2.5-pro",
    messages=[{"role": "user", "content": "Why is the sky blue?"}],
    response_format=Answer,
) as stream:
    for event in stream:
        events.append(event.type)
        if event.type == "content.delta":
            pieces.append(event.delta)
    completion = stream.get_final_completion()

message = completion.choices[0].message
print(
    json.dumps(
        {
            "events": events,
            "pieces": pieces,
            "content": message.content,
            "parsed": [type(message.parsed).__name__, message.parsed.model_dump()],
            "usage": completion.usage.model_dump() if completion.usage else None,
        }
    )
)
