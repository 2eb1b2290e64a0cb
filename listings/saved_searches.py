"""Personal values of filters live in the session, and so stay out of addresses, access logs and browser histories.

An address carries only `find=KEY`. The key is made with the site's secret, so nobody can guess a value from it.
"""

from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import salted_hmac

KEPT = 50
SESSION_KEY = "grid_finds"  # of sessions that are open while the product is upgraded


def save(session: SessionBase, values: dict[str, str]) -> str:
    """Keep personal filter values and return their key; "" when there are none. The oldest beyond 50 are forgotten."""
    if not values:
        return ""
    key = salted_hmac("listings.saved_searches", repr(sorted(values.items())), algorithm="sha256").hexdigest()[:16]
    finds = session.get(SESSION_KEY, {})
    finds.pop(key, None)
    finds[key] = values
    session[SESSION_KEY] = dict(list(finds.items())[-KEPT:])
    return key


def load(session: SessionBase, key: str) -> dict[str, str] | None:
    """The values kept under a key in this session; None when there are none (any more)."""
    values: dict[str, str] | None = session.get(SESSION_KEY, {}).get(key)
    return values
