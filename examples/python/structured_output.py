"""Lets the SDK turn the answer into an instance of a pydantic model."""

import os

from openai import OpenAI
from pydantic import BaseModel

from access_token import access_token

parlance_url = os.environ.get("PARLANCE_URL", "http://127.0.0.1:8080")
project_id = os.environ.get("GOOGLE_CLOUD_PROJECT", "my-project")
location = os.environ.get("GOOGLE_CLOUD_LOCATION", "us-central1")

client = OpenAI(
    base_url=f"{parlance_url}/v1/projects/{project_id}/locations/{location}/endpoints/openapi",
    api_key=access_token(),
)


class CalendarEvent(BaseModel):
    name: str
    date: str
    participants: list[str]


completion = client.beta.chat.completions.parse(
    model="google/gemini-2.5-flash-preview-04-17",
    messages=[
        {"role": "system", "content": "Extract the event information."},
        {"role": "user", "content": "Alice and Bob are going to a science fair on Friday."},
    ],
    response_format=CalendarEvent,
    temperature=0,
)

event = completion.choices[0].message.parsed
print(type(event).__name__, event.model_dump_json())
