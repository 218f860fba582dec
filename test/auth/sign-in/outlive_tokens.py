"""Uses the client of examples/python/google_sign_in.py for longer than its tokens live.

google-auth counts a token as expired 225 seconds early, so it gets a new one for every call when tokens live for few
seconds. With a shorter time it keeps them as long as it keeps those of an hour, in proportion.
Arguments: the base URL, that time in seconds, calls, and seconds between two calls.
Prints one JSON object a line: the token of each call, and the HTTP statuses the client saw.
"""

import datetime
import json
import sys
import time

import google.auth._helpers

from google_sign_in import SignedInClient

base_url, threshold, calls, pause = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
google.auth._helpers.REFRESH_THRESHOLD = datetime.timedelta(seconds=threshold)

# Without attempts behind the scenes, a 401 would show.
client = SignedInClient(base_url=base_url, max_retries=0)
for call in range(calls):
    time.sleep(pause if call > 0 else 0)
    raw = client.chat.completions.with_raw_response.create(
        model="google/gemini-2.0-flash-001",
        messages=[{"role": "user", "content": "Why is the sky blue?"}],
    )
    text = raw.parse().choices[0].message.content
    token = raw.http_request.headers["Authorization"].removeprefix("Bearer ")
    print(json.dumps({"token": token, "status": raw.status_code, "text": text}), flush=True)
