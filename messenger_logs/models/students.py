"""What is known of students beside the messages about them."""

from __future__ import annotations

from django.db import models

from messenger_logs.models.messages import School


class StudentSchool(models.Model):
    """The school of a student today, for messages that do not say it. A roster keeps it up to date."""

    sourced_id = models.CharField(max_length=255, unique=True, help_text="what the roster calls the student")
    number = models.CharField(max_length=64, db_index=True, help_text="as `Recipient.student_number`")
    school = models.ForeignKey(School, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return self.number
