"""Files of the product on the local disk."""

from pathlib import Path
from typing import Protocol

from django.conf import settings


class Stored(Protocol):
    @property
    def stored_name(self) -> str: ...


def folder(name: str) -> Path:
    return Path(settings.REPORT_FOLDER, name)


def path_of(job: Stored) -> Path:
    return Path(settings.REPORT_FOLDER, job.stored_name)
