"""Prints how sure the model was of each token, and what else it considered."""

import math
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
    messages=[{"role": "user", "content": "What is the capital of France?"}],
    max_tokens=12,
    logprobs=True,
    top_logprobs=3,
)

for token in response.choices[0].logprobs.content:
    others = ", ".join(f"{other.token!r} {math.exp(other.logprob):.0%}" for other in token.top_logprobs)
    print(f"{token.token!r} {math.exp(token.logprob):.0%}  of  {others}")
