"""Requests that the providers make to the product."""

import urllib.error
import urllib.request

TIMEOUT = 10
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post(url: str, body: bytes, content_type: str) -> tuple[int, str]:
    """Post a body. Returns the status and the text of the answer; 0 and "" without an answer."""
    request = urllib.request.Request(  # noqa: S310  (the URL is an argument of this program)
        url, body, {"Content-Type": content_type}, method="POST"
    )
    try:
        with _OPENER.open(request, timeout=TIMEOUT) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
    except (OSError, ValueError):
        return 0, ""
