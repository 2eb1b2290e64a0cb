"""Keeps personal filter values in the session, so that no address, access log or browser history has them.

An address carries only `find=KEY`. The key is made with the site's secret and the account, so nobody can guess a value
from it, and nobody who sees the addresses of two people can tell that they searched for the same person.
"""

from django.contrib import auth
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import salted_hmac

KEPT = 50
SESSION_KEY = "grid_finds"  # an old name: sessions that are open during an upgrade stay valid


def save(session: SessionBase, values: dict[str, str]) -> str:
    """Keep personal filter values and return their key, or "" if there are none. A session keeps the newest 50."""
    if not values:
        return ""
    searched = repr((session.get(auth.SESSION_KEY), sorted(values.items())))
    key = salted_hmac("listings.saved_searches", searched, algorithm="sha256").hexdigest()[:16]
    finds = session.get(SESSION_KEY, {})
    finds.pop(key, None)
    finds[key] = values
    session[SESSION_KEY] = dict(list(finds.items())[-KEPT:])
    return key


def load(session: SessionBase, key: str) -> dict[str, str] | None:
    """Return the values of a key in this session; None if there are none (any more)."""
    values: dict[str, str] | None = session.get(SESSION_KEY, {}).get(key)
    return values
