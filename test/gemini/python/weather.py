"""A conversation with a tool, a stream and an answer in a schema, through the SDK; prints what came."""

import json
import sys

from openai import OpenAI
from pydantic import BaseModel

client = OpenAI(max_retries=0)
model = sys.argv[1]
question = {"role": "user", "content": "How is the weather in Oslo?"}
weather = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


class Weather(BaseModel):
    city: str
    celsius: int


def ask(**more):
    return client.chat.completions.create(model=model, messages=[question], **more)


def second_step(calls) -> str:
    """Sends back of each call only what OpenAI's own contract has."""
    kept = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in calls
    ]
    results = [{"role": "tool", "tool_call_id": call.id, "content": '{"celsius": 21}'} for call in calls]
    completion = client.chat.completions.create(
        model=model,
        messages=[question, {"role": "assistant", "content": None, "tool_calls": kept}, *results],
        tools=[weather],
    )
    return completion.choices[0].message.content


pieces = [chunk.choices[0].delta.content or "" for chunk in ask(stream=True)]

with client.chat.completions.stream(model=model, messages=[question], response_format=Weather) as stream:
    events = [event.type for event in stream]
    streamed = stream.get_final_completion().choices[0].message.parsed

with client.chat.completions.stream(model=model, messages=[question], tools=[weather]) as stream:
    calls_in_stream = [
        event.name for event in stream if event.type == "tool_calls.function.arguments.done"
    ]
    streamed_message = stream.get_final_completion().choices[0].message

parsed = client.chat.completions.parse(model=model, messages=[question], response_format=Weather)

print(
    json.dumps(
        {
            "pieces": pieces,
            "events": events,
            "streamed": streamed.model_dump(),
            "parsed": parsed.choices[0].message.parsed.model_dump(),
            "calls_in_stream": calls_in_stream,
            "second_step": second_step(ask(tools=[weather]).choices[0].message.tool_calls),
            "second_step_after_stream": second_step(streamed_message.tool_calls),
        }
    )
)
