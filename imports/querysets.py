from __future__ import annotations

from typing import TYPE_CHECKING

from core.leased_jobs.querysets import LeasedJobQuerySet

if TYPE_CHECKING:
    from imports.models import ImportJob  # noqa: F401  (named in a string)


class ImportJobQuerySet(LeasedJobQuerySet["ImportJob"]):
    """The files that people uploaded."""
