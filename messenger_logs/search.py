"""Search in names and subjects without regard to case and accents."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Func, QuerySet, TextField, Value

Rows = TypeVar("Rows", bound=QuerySet[Any])


class NormalizedText(Func):
    """Text in capitals and without accents, for comparisons: "Nguyễn" and "nguyen" are both NGUYEN."""

    function = "plain_letters"
    output_field = TextField()


def icontains_unaccented(rows: Rows, path: str, text: str) -> Rows:
    """The rows whose column contains the text, in any case and with or without accents.

    The column needs a trigram index on NormalizedText(column).
    """
    found: Rows = rows.alias(plain=NormalizedText(path)).filter(plain__contains=NormalizedText(Value(text)))
    return found
