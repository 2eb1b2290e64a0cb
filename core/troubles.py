"""What is wrong in a part of the site, in words for an administrator. Pages, alerts and digests show the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Trouble:
    """Something that does not work. None of its texts has personal data."""

    key: str
    """It stays the same while the trouble lasts: "dispatch.paused.text"."""
    part: str
    """The part of the site in plain words: "Sync of mg.example.org"."""
    words: str
    """What is wrong, in one sentence."""
    to_do: str
    """What an administrator does about it."""
    since: datetime | None = None
    urgent: bool = False
    """Whether messages to families wait because of it."""
    page: str = ""
    """The name of the address that explains it; "" for System Health."""
