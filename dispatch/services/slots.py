"""Slots for work that a slow provider can hold up: only a few processes do the same work at a time."""

from __future__ import annotations

from contextlib import AbstractContextManager

from core.leases import lease


def slot(work: str, slots: int = 1) -> AbstractContextManager[bool]:
    """Take one of the slots of a work during the context. The value is False when all are taken; nobody waits."""
    return lease(f"dispatch {work}", slots)
