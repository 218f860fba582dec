#!/usr/bin/env bash
# Sends audio that lies in Cloud Storage: data may be its gs:// address, format its media type.
# The default embedded model reads text only and answers with an error that says so. Without Cloud Storage, serve the
# object from a folder: storage: { "gs://cloud-samples-data": ./samples }
set -euo pipefail

PARLANCE_URL=${PARLANCE_URL:-http://127.0.0.1:8080}
PROJECT_ID=${GOOGLE_CLOUD_PROJECT:-my-project}
LOCATION=${GOOGLE_CLOUD_LOCATION:-us-central1}
ACCESS_TOKEN=$(gcloud auth print-access-token 2>/dev/null || echo local)

curl -sS --fail-with-body -X POST \
  -H "Authorization: Bearer ${ACCESS_TOKEN}" \
  -H "Content-Type: application/json" \
  "${PARLANCE_URL}/v1/projects/${PROJECT_ID}/locations/${LOCATION}/endpoints/openapi/chat/completions" \
  --data @- <<JSON
{
  "model": "google/gemini-2.0-flash-001",
  "messages": [
    {
      "role": "user",
      "content": [
        { "type": "text", "text": "Describe this: " },
        {
          "type": "input_audio",
          "input_audio": {
            "format": "audio/mp3",
            "data": "gs://cloud-samples-data/generative-ai/audio/pixel.mp3"
          }
        }
      ]
    }
  ]
}
JSON
