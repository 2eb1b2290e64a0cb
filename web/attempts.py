"""What views of changes share: the next page says what was wrong, what was refused, and what is done."""

from collections.abc import Callable
from typing import TypeVar

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest

from accounts.refusals import refusal_text
from accounts.services import Refused

T = TypeVar("T")


def understood(request: HttpRequest, form: Form) -> bool:
    """Whether the form is valid. If it is not, the next page shows the errors."""
    for field, errors in form.errors.items():
        for error in errors:
            messages.error(request, f"{form.fields[field].label}: {error}")
    return form.is_valid()


def attempt(request: HttpRequest, change: Callable[[], T], done: str) -> T | None:
    """Make the change. The next page says that it is done, or why it was refused. Returns None if it was refused."""
    try:
        result = change()
    except Refused as refused:
        messages.error(request, refusal_text(refused))
        return None
    messages.success(request, done)
    return result
