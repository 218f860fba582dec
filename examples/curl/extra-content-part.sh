#!/usr/bin/env bash
# Sends extra_content with one part of a message: the first part is what the model thought, the second what it said.
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
    { "role": "user", "content": "How many legs do three spiders have?" },
    {
      "role": "assistant",
      "content": [
        {
          "type": "text",
          "text": "A spider has eight legs, and three times eight is 24.",
          "extra_content": { "google": { "thought": true } }
        },
        { "type": "text", "text": "24." }
      ]
    },
    { "role": "user", "content": "And four spiders?" }
  ]
}
JSON
