"""The values of this app's columns, and the states that it tells. Models, querysets and SQL import them from here."""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class ClaimState(models.TextChoices):
    """How far a claim came; see Claim."""

    CLAIMED = "claimed"
    HANDED = "handed"
    SETTLED = "settled"


class ModeState(StrEnum):
    """Whether what is due of a mode goes out. It is derived: no column holds it."""

    WORKS = "works"
    NIGHT = "night"
    PAUSED = "paused"
    MISSING = "missing"
