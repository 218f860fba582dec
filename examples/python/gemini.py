"""Asks a Gemini model and prints the whole answer."""

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
    model="google/gemini-2.0-flash-001",
    messages=[{"role": "user", "content": "Why is the sky blue?"}],
)

print(response.to_json())
