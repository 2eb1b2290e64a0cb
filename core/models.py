"""What all rooms share in the database."""

from __future__ import annotations

from django.db import models


class Lease(models.Model):
    """The right of a process to do a work until a time: `core/leases.py` takes, keeps and frees it."""

    name = models.CharField(max_length=100, help_text="of the work")
    number = models.PositiveSmallIntegerField(help_text="from 0, of those that may do the work at the same time")
    holder = models.UUIDField()
    until = models.DateTimeField(help_text="by the clock of the database")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["name", "number"], name="one_lease_of_a_number")]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"
