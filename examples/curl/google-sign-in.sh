#!/usr/bin/env bash
# Signs gcloud in with the key file of a service account, asks a Gemini model, and leaves no trace in your gcloud.
# GOOGLE_APPLICATION_CREDENTIALS names the file; `parlance auth local --out FILE` makes one.
set -euo pipefail

PARLANCE_URL=${PARLANCE_URL:-http://127.0.0.1:8080}
PROJECT_ID=${GOOGLE_CLOUD_PROJECT:-my-project}
LOCATION=${GOOGLE_CLOUD_LOCATION:-us-central1}
MODEL_ID=${MODEL_ID:-gemini-2.5-flash}

# What gcloud knows lies in this folder while the program runs. Leave it away and you stay signed in.
CLOUDSDK_CONFIG=$(mktemp -d)
export CLOUDSDK_CONFIG
trap 'rm -rf "${CLOUDSDK_CONFIG}"' EXIT

gcloud auth activate-service-account --quiet --key-file="${GOOGLE_APPLICATION_CREDENTIALS:?names no key file}"

curl -sS --fail-with-body -X POST \
  -H "Authorization: Bearer $(gcloud auth print-access-token)" \
  -H "Content-Type: application/json" \
  "${PARLANCE_URL}/v1beta1/projects/${PROJECT_ID}/locations/${LOCATION}/endpoints/openapi/chat/completions" \
  --data @- <<JSON
{
  "model": "google/${MODEL_ID}",
  "messages": [{ "role": "user", "content": "Write a story about a magic backpack." }]
}
JSON
