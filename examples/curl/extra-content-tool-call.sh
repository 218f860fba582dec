#!/usr/bin/env bash
# Sends extra_content with a tool call: the signature of the call, beside the call's result.
# Signatures come with a model's calls and go back unchanged. The one below is Google's placeholder for a call
# that no model signed.
set -euo pipefail

PARLANCE_URL=${PARLANCE_URL:-http://127.0.0.1:8080}
PROJECT_ID=${GOOGLE_CLOUD_PROJECT:-my-project}
LOCATION=${GOOGLE_CLOUD_LOCATION:-us-central1}
ACCESS_TOKEN=$(gcloud auth print-access-token 2>/dev/null || echo local)

curl -sS --fail-with-body -X POST \
  -H "Authorization: Bearer ${ACCESS_TOKEN}" \
  -H "Content-Type: application/json" \
  "${PARLANCE_URL}/v1beta1/projects/${PROJECT_ID}/locations/${LOCATION}/endpoints/openapi/chat/completions" \
  --data @- <<JSON
{
  "model": "google/gemini-2.5-flash",
  "messages": [
    { "role": "user", "content": "What is the weather in Oslo?" },
    {
      "role": "assistant",
      "tool_calls": [
        {
          "id": "call_1",
          "type": "function",
          "function": { "name": "get_weather", "arguments": "{\"city\": \"Oslo\"}" },
          "extra_content": { "google": { "thought_signature": "skip_thought_signature_validator" } }
        }
      ]
    },
    { "role": "tool", "tool_call_id": "call_1", "content": "{\"sky\": \"clear\", \"celsius\": 4}" }
  ]
}
JSON
