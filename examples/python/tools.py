"""Lets the model call a function of this program, then answer with its result."""

import json
import os

import openai

from access_token import access_token

parlance_url = os.environ.get("PARLANCE_URL", "http://127.0.0.1:8080")
project_id = os.environ.get("GOOGLE_CLOUD_PROJECT", "my-project")
location = os.environ.get("GOOGLE_CLOUD_LOCATION", "us-central1")

client = openai.OpenAI(
    base_url=f"{parlance_url}/v1/projects/{project_id}/locations/{location}/endpoints/openapi",
    api_key=access_token(),
)


def get_weather(city: str) -> dict:
    return {"city": city, "sky": "clear", "celsius": 4}


tools = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city right now.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string", "maxLength": 40}},
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }
]
messages = [{"role": "user", "content": "What is the weather in Oslo?"}]

question = client.chat.completions.create(
    model="google/gemini-2.5-flash",
    messages=messages,
    tools=tools,
    tool_choice="required",
    parallel_tool_calls=False,
)
print(question.to_json(indent=None))

# The message goes back as it came: a call of Gemini 3 carries a signature that the next request must contain.
messages.append(question.choices[0].message)
for call in question.choices[0].message.tool_calls:
    result = get_weather(**json.loads(call.function.arguments))
    messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})

answer = client.chat.completions.create(
    model="google/gemini-2.5-flash",
    messages=messages,
    tools=tools,
    tool_choice="none",
)
print(answer.to_json(indent=None))
