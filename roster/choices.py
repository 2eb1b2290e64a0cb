"""The words of a roster and of its runs."""

from __future__ import annotations

from django.db.models import TextChoices


class Kind(TextChoices):
    """What a roster changes here, in the order in which it does."""

    ORGS = "orgs", "Schools and other organizations"
    TERMS = "terms", "Terms"
    STUDENTS = "students", "Schools of students"
    ACCOUNTS = "accounts", "Accounts of staff"
    GROUPS = "groups", "Members of user groups"
    SCHOOLS = "schools", "Schools of staff"


class Change(TextChoices):
    NEW = "new", "New"
    CHANGED = "changed", "Changed"
    LEAVING = "leaving", "Leaving"


class Source(TextChoices):
    REST = "rest", "REST API"
    FILE = "file", "File of the night"
    UPLOAD = "upload", "Uploaded file"


class RunStatus(TextChoices):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "In progress"
    DONE = "done", "Done"
    STOPPED = "stopped", "Stopped"
    FAILED = "failed", "Failed"
