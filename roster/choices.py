"""The words of a roster and of its runs."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Kind(TextChoices):
    """What a roster changes here, in the order in which it does."""

    ORGS = "orgs", _("Schools and other organizations")
    TERMS = "terms", pgettext_lazy("roster", "Terms")
    STUDENTS = "students", _("Schools of students")
    ACCOUNTS = "accounts", _("Accounts of staff")
    GROUPS = "groups", _("Members of user groups")
    SCHOOLS = "schools", _("Schools of staff")


class Change(TextChoices):
    NEW = "new", pgettext_lazy("change", "New")
    CHANGED = "changed", pgettext_lazy("change", "Changed")
    LEAVING = "leaving", pgettext_lazy("change", "Leaving")


class Source(TextChoices):
    REST = "rest", _("REST API")
    FILE = "file", _("File of the night")
    UPLOAD = "upload", _("Uploaded file")


class RunStatus(TextChoices):
    QUEUED = "queued", pgettext_lazy("run", "Waiting")
    RUNNING = "running", pgettext_lazy("run", "In progress")
    DONE = "done", pgettext_lazy("run", "Done")
    STOPPED = "stopped", pgettext_lazy("run", "Stopped")
    FAILED = "failed", pgettext_lazy("run", "Failed")
