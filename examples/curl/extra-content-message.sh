#!/usr/bin/env bash
# Sends extra_content with a message whose content is a string: here the signature of an earlier answer.
# Signatures come with a model's answers and go back unchanged. The one below is Google's placeholder for an
# answer that no model signed.
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
    { "role": "user", "content": "Name a planet." },
    {
      "role": "assistant",
      "content": "Saturn.",
      "extra_content": { "google": { "thought_signature": "skip_thought_signature_validator" } }
    },
    { "role": "user", "content": "What is it known for?" }
  ]
}
JSON
