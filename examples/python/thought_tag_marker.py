"""Asks for the model's thoughts, between <think> and </think> in front of the answer.

The SDK merges its `extra_body` argument into the request, so the field of that name stands inside it once more.
"""

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

response = client.chat.completions.create(
    model="google/gemini-2.5-flash",
    messages=[{"role": "user", "content": "How many legs do three spiders have?"}],
    extra_body={
        "extra_body": {
            "google": {
                "thinking_config": {"include_thoughts": True, "thinking_budget": 1024},
                "thought_tag_marker": "think",
            }
        }
    },
)

print(response.to_json())
