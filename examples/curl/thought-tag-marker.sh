#!/usr/bin/env bash
# Asks for the model's thoughts, between <think> and </think> in front of the answer.
# A model that does not reason has none to show; x-parlance-ignored among the headers then names what had no effect.
set -euo pipefail

PARLANCE_URL=${PARLANCE_URL:-http://127.0.0.1:8080}
PROJECT_ID=${GOOGLE_CLOUD_PROJECT:-my-project}
LOCATION=${GOOGLE_CLOUD_LOCATION:-us-central1}
ACCESS_TOKEN=$(gcloud auth print-access-token 2>/dev/null || echo local)

curl -sS --fail-with-body --include -X POST \
  -H "Authorization: Bearer ${ACCESS_TOKEN}" \
  -H "Content-Type: application/json" \
  "${PARLANCE_URL}/v1beta1/projects/${PROJECT_ID}/locations/${LOCATION}/endpoints/openapi/chat/completions" \
  --data @- <<JSON
{
  "model": "google/gemini-2.5-flash",
  "messages": [{ "role": "user", "content": "How many legs do three spiders have?" }],
  "extra_body": {
    "google": {
      "thinking_config": { "include_thoughts": true, "thinking_budget": 1024 },
      "thought_tag_marker": "think"
    }
  }
}
JSON
