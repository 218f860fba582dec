"""Signs in as the example page does and calls; waits; refreshes if the token has expired, and calls again.

Arguments: the URL to call, and seconds to wait. Prints one JSON object a line.
"""

import json
import sys
import time
import urllib.error
import urllib.request

import google.auth
import google.auth.transport.requests

url, pause = sys.argv[1], float(sys.argv[2])

credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])


def call(token: str) -> dict:
    request = urllib.request.Request(url, data=b"{}", headers={"Authorization": f"Bearer {token}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request) as response:
            return {"status": response.status, **json.load(response)}
    except urllib.error.HTTPError as error:
        return {"status": error.code, **json.load(error)}


def refreshed_token() -> str:
    if not credentials.valid:
        credentials.refresh(google.auth.transport.requests.Request())
    return credentials.token


first = refreshed_token()
print(json.dumps({"project": project, **call(first)}))
time.sleep(pause)
print(json.dumps({"old": True, **call(first)}))
second = refreshed_token()
print(json.dumps({"renewed": first != second, **call(second)}))
