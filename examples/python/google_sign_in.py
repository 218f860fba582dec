"""Signs in with Google credentials, asks twice, and keeps its sign-in fresh for as long as the program runs."""

import os
from typing import Any

import google.auth
import google.auth.transport.requests
import openai

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class SignedInClient:
    """An OpenAI client whose key is a Google access token: a new one whenever the old one is about to expire."""

    def __init__(self, **options: Any) -> None:
        self._credentials, self.project = google.auth.default(scopes=[SCOPE])
        self._client = openai.OpenAI(api_key="none yet", **options)

    def __getattr__(self, name: str) -> Any:
        if not self._credentials.valid:
            self._credentials.refresh(google.auth.transport.requests.Request())
            self._client.api_key = self._credentials.token
        return getattr(self._client, name)


def main() -> None:
    parlance_url = os.environ.get("PARLANCE_URL", "http://127.0.0.1:8080")
    project_id = os.environ.get("GOOGLE_CLOUD_PROJECT", "my-project")
    location = os.environ.get("GOOGLE_CLOUD_LOCATION", "us-central1")
    client = SignedInClient(
        base_url=f"{parlance_url}/v1/projects/{project_id}/locations/{location}/endpoints/openapi",
    )

    response = client.chat.completions.create(
        model="google/gemini-2.0-flash-001",
        messages=[{"role": "user", "content": "Why is the sky blue?"}],
    )
    print(response.to_json(indent=None))

    stream = client.chat.completions.create(
        model="google/gemini-2.0-flash-001",
        messages=[{"role": "user", "content": "Why is the sky red in the evening?"}],
        stream=True,
    )
    for chunk in stream:
        print(chunk.to_json(indent=None), flush=True)


if __name__ == "__main__":
    main()
