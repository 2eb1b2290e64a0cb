from __future__ import annotations

from django.db.models import Func, TextField


class PlainLetters(Func):
    """Text in capitals and without accents, as names are compared: "Nguyễn" and "nguyen" are both NGUYEN."""

    function = "plain_letters"
    output_field = TextField()
