"""The values of this app's columns, and the states of a mode. Models, querysets and SQL import them from here."""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class ClaimState(models.TextChoices):
    """How far a claim came; see Claim."""

    CLAIMED = "claimed"
    HANDED = "handed"
    SETTLED = "settled"


class ModeState(StrEnum):
    """Whether due messages of a mode go out. The code derives it: no column holds it."""

    WORKS = "works"
    SLOWED = "slowed"
    NIGHT = "night"
    PAUSED = "paused"
    HANGS = "hangs"
    MISSING = "missing"
