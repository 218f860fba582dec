#!/usr/bin/env bash
# Asks a Gemini model and prints the whole answer as one JSON object.
set -euo pipefail

PARLANCE_URL=${PARLANCE_URL:-http://127.0.0.1:8080}
PROJECT_ID=${GOOGLE_CLOUD_PROJECT:-my-project}
LOCATION=${GOOGLE_CLOUD_LOCATION:-us-central1}
MODEL_ID=${MODEL_ID:-gemini-2.5-flash}
ACCESS_TOKEN=$(gcloud auth print-access-token 2>/dev/null || echo local)

curl -sS --fail-with-body -X POST \
  -H "Authorization: Bearer ${ACCESS_TOKEN}" \
  -H "Content-Type: application/json" \
  "${PARLANCE_URL}/v1beta1/projects/${PROJECT_ID}/locations/${LOCATION}/endpoints/openapi/chat/completions" \
  --data @- <<JSON
{
  "model": "google/${MODEL_ID}",
  "messages": [{ "role": "user", "content": "Write a story about a magic backpack." }]
}
JSON
