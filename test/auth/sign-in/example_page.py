"""The lines of Google's example page, with the address of Parlance: signs in, asks, and asks for a stream.

Arguments: the address, and the project. Prints one JSON object a line.
"""

import sys

from google.auth import default
import google.auth.transport.requests

import openai

origin, project_id = sys.argv[1:]
location = "us-central1"

credentials, _ = default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
credentials.refresh(google.auth.transport.requests.Request())

client = openai.OpenAI(
    base_url=f"{origin}/v1/projects/{project_id}/locations/{location}/endpoints/openapi",
    api_key=credentials.token,
)

response = client.chat.completions.create(
    model="google/gemini-2.0-flash-001",
    messages=[{"role": "user", "content": "Why is the sky blue?"}],
)
print(response.to_json(indent=None))

response = client.chat.completions.create(
    model="google/gemini-2.0-flash-001",
    messages=[{"role": "user", "content": "Why is the sky blue?"}],
    stream=True,
)
for chunk in response:
    print(chunk.to_json(indent=None))
