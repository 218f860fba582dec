#!/usr/bin/env bash
# Asks for an answer that follows a JSON Schema.
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
  "temperature": 0,
  "messages": [{ "role": "user", "content": "Name a city in Norway." }],
  "response_format": {
    "type": "json_schema",
    "json_schema": {
      "name": "city",
      "schema": {
        "type": "object",
        "properties": {
          "name": { "type": "string", "maxLength": 40 },
          "population": { "type": "integer", "minimum": 1 },
          "coastal": { "type": "boolean" }
        },
        "required": ["name", "population", "coastal"],
        "additionalProperties": false
      }
    }
  }
}
JSON
