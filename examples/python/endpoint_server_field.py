"""Sends a field that OpenAI's API lacks and model servers know: top_k, how many tokens the model chooses from.

The SDK merges its `extra_body` argument into the request.
"""

import os

import openai

from access_token import access_token

parlance_url = os.environ.get("PARLANCE_URL", "http://127.0.0.1:8080")
project_id = os.environ.get("GOOGLE_CLOUD_PROJECT", "my-project")
location = os.environ.get("GOOGLE_CLOUD_LOCATION", "us-central1")
endpoint_id = os.environ.get("ENDPOINT", "1234567890")
model_id = os.environ.get("MODEL_ID", "gemma-2-9b-it")

client = openai.OpenAI(
    base_url=f"{parlance_url}/v1/projects/{project_id}/locations/{location}/endpoints/{endpoint_id}",
    api_key=access_token(),
)

response = client.chat.completions.create(
    model=model_id,
    messages=[{"role": "user", "content": "Why is the sky blue?"}],
    max_tokens=50,
    extra_body={"top_k": 1},
)

print(response.to_json())
