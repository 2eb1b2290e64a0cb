from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import ServiceAccount, User
from accounts.passwords import may_use_password


class UsernameOrEmailBackend(ModelBackend):
    """Signs in by username or e-mail address.

    Every attempt computes exactly one password hash, so that the time of the answer does not reveal whether the account
    exists. With the user of a session it reads what the session's second factor is judged by.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **credentials: Any
    ) -> User | None:
        login = username or credentials.get("email")
        if not login or not password:
            return None
        user = User.objects.signing_in_as(login)
        if user is None:
            User().set_password(password)
            return None
        if user.check_password(password) and self.user_can_authenticate(user) and signs_in_by_password(user):
            return user
        return None

    def get_user(self, user_id: int) -> User | None:
        user = User.objects.with_second_factors().filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None


def signs_in_by_password(user: User) -> bool:
    """Whether a right password is enough. A service account calls the API with other credentials, and nothing else."""
    return may_use_password(user) and not ServiceAccount.objects.filter(user=user).exists()
