#!/usr/bin/env bash
# Asks a model deployed behind an endpoint id and prints the answer while it is written.
set -euo pipefail

PARLANCE_URL=${PARLANCE_URL:-http://127.0.0.1:8080}
PROJECT_ID=${GOOGLE_CLOUD_PROJECT:-my-project}
ENDPOINT=${ENDPOINT:-1234567890}
ACCESS_TOKEN=$(gcloud auth print-access-token 2>/dev/null || echo local)

curl -sSN --fail-with-body -X POST \
  -H "Authorization: Bearer ${ACCESS_TOKEN}" \
  -H "Content-Type: application/json" \
  "${PARLANCE_URL}/v1beta1/projects/${PROJECT_ID}/locations/global/endpoints/${ENDPOINT}/chat/completions" \
  --data @- <<JSON
{
  "stream": true,
  "messages": [{ "role": "user", "content": "Write a story about a magic backpack." }]
}
JSON
