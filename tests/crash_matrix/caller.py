"""A caller of the API without a web server: `python -m tests.crash_matrix.caller METHOD PATH BODY` prints status and answer.

The request goes through every layer of the application in this process, which may be told to die at a crash point.
"""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.test import Client  # noqa: E402 - Django must be set up first


def main() -> None:
    """Prints one line of JSON: `{status, body}`."""
    method, path, body = sys.argv[1:]
    key = os.environ["AUTH_API_KEYS"].partition("=")[2]
    client = Client(headers={"authorization": f"Bearer {key}"}, raise_request_exception=False)
    answer = client.generic(method, path, body, content_type="application/json")
    document = json.loads(answer.content) if answer.content else None
    print(json.dumps({"status": answer.status_code, "body": document}), flush=True)


if __name__ == "__main__":
    main()
