#!/usr/bin/env bash
# Sends a field that OpenAI's API lacks and model servers know: top_k, how many tokens the model chooses from.
set -euo pipefail

PARLANCE_URL=${PARLANCE_URL:-http://127.0.0.1:8080}
PROJECT_ID=${GOOGLE_CLOUD_PROJECT:-my-project}
ENDPOINT=${ENDPOINT:-1234567890}
ACCESS_TOKEN=$(gcloud auth print-access-token 2>/dev/null || echo local)

curl -sS --fail-with-body -X POST \
  -H "Authorization: Bearer ${ACCESS_TOKEN}" \
  -H "Content-Type: application/json" \
  "${PARLANCE_URL}/v1beta1/projects/${PROJECT_ID}/locations/global/endpoints/${ENDPOINT}/chat/completions" \
  --data @- <<JSON
{
  "messages": [{ "role": "user", "content": "Write a story about a magic backpack." }],
  "max_tokens": 50,
  "top_k": 1
}
JSON
