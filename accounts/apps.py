from typing import Any

from django.apps import AppConfig
from django.contrib.auth.management import create_permissions
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import languages, signals  # noqa: F401 (importing connects)
        from accounts.sso import sessions  # noqa: F401

        post_migrate.connect(create_user_groups, sender=self)


def create_user_groups(sender: AppConfig, using: str, **_: Any) -> None:
    from accounts.services import create_default_groups

    # Django makes the permissions after this signal, too, but perhaps later.
    create_permissions(sender, verbosity=0, using=using)
    create_default_groups()
