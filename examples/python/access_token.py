"""The access token of the Google account that is signed in on this machine."""

import sys

import google.auth
import google.auth.exceptions
import google.auth.transport.requests

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def access_token() -> str:
    """Asks Application Default Credentials for a fresh token; without any, says so and returns a placeholder.

    A Parlance server with `auth.mode: open` accepts the placeholder. Google's own endpoint does not.
    """
    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
        credentials.refresh(google.auth.transport.requests.Request())
    except google.auth.exceptions.GoogleAuthError as error:
        reason = str(error).splitlines()[0]
        print(f"No Google account is signed in; going on with a placeholder token. ({reason})", file=sys.stderr)
        return "local"
    return credentials.token
