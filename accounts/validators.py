"""Rules for new passwords, besides those of Django."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# A shorter part of a name is in many good passwords.
SHORTEST_PART = 3


class NotMadeOfNamesValidator:
    """Refuses a password that repeats the person's user name, name or e-mail address and adds little to it.

    Django's own validator compares the whole password with the whole name, so a name said twice passes it.
    """

    def __init__(self, min_rest: int = 8) -> None:
        self.min_rest = min_rest

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError if fewer than `min_rest` characters are left without the person's names."""
        rest = password.casefold()
        for part in sorted(name_parts(user), key=len, reverse=True):
            rest = rest.replace(part, "").replace(part[::-1], "")
        if len(rest) < min(self.min_rest, len(password)):
            raise ValidationError(
                _("The password repeats your user name, your name or your e-mail address."), code="password_of_names"
            )

    def get_help_text(self) -> str:
        return _("Your password cannot be made of your user name, your name or your e-mail address.")


def name_parts(user: Any) -> set[str]:
    """Return the names of a person as a password may have them: whole, and their parts, in lower case."""
    *names, email = (str(getattr(user, field, "") or "") for field in ("username", "first_name", "last_name", "email"))
    names.append(email.partition("@")[0])
    words = [email, *names, *(word for name in names for word in re.split(r"[\W_]+", name))]
    return {word.casefold() for word in words if len(word) >= SHORTEST_PART}
