"""Every read of this app."""

from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import UserManager
from django.db.models import Q, QuerySet

if TYPE_CHECKING:
    from accounts.models import User


class UserQuerySet(QuerySet["User"]):
    def signing_in_as(self, login: str) -> "User | None":
        """The account with this username or, where there is none, with this e-mail address."""
        return self.filter(username__iexact=login).first() or self.filter(email__iexact=login, email__gt="").first()

    def found_by(self, text: str) -> Self:
        """Those whose names, username or e-mail address contain every word of the text, as the logs list them."""
        found = self.order_by("last_name", "first_name", "username")
        for word in text.split():
            found = found.filter(
                Q(username__icontains=word)
                | Q(email__icontains=word)
                | Q(first_name__icontains=word)
                | Q(last_name__icontains=word)
            )
        return found


_UserManager = UserManager.from_queryset(UserQuerySet)


class Users(_UserManager["User"]):  # type: ignore[valid-type]
    # Migrations need no manager of ours.
    use_in_migrations = False
