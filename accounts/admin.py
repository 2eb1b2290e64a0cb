from typing import Any, cast

from allauth.account.admin import EmailAddress  # also registers it, before it is unregistered here
from allauth.idp.oidc.admin import Client, Token  # so do these
from allauth.mfa.admin import Authenticator
from allauth.socialaccount.admin import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.admin import UserSession
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from knox.admin import models as knox_models  # registers them, as allauth does

from accounts.models import User
from accounts.refusals import refusal_text
from accounts.second_factor import ask_factor_again
from accounts.services import LastAdministrator, changing_rights, end_tokens, record_audit_event
from accounts.sessions import remove_second_factors

# Another page changes groups; it guards and audits each change. allauth's list of addresses is not in use.
# Nobody makes a token, a session or a second factor for another person. Providers come from the configuration; a page
# makes service accounts.
admin.site.unregister(
    [
        Group,
        EmailAddress,
        Authenticator,
        UserSession,
        knox_models.AuthToken,
        Client,
        Token,
        SocialAccount,
        SocialApp,
        SocialToken,
    ]
)

AUDITED = ("username", "last_name", "first_name", "email", "is_active", "groups", "is_staff", "is_superuser")


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    """Superusers make and close accounts here. No account is deleted, because the logs refer to their people."""

    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("last_name", "first_name", "email")}),
        (_("Access"), {"fields": ("is_active", "groups", "is_staff", "is_superuser")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    list_display = ("username", "listed_name", "email", "is_active", "is_superuser")
    actions = ["remove_factors"]

    @admin.action(description=_("Remove the second factors of these accounts, and end their sessions"))
    def remove_factors(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Help who has lost the phone, the passkey and the recovery codes."""
        ask_factor_again(request)
        removed = sum(remove_second_factors(user=user, by=cast(User, request.user)) for user in queryset)
        sentence = gettext("Removed: %(number)s. These people sign in with the password alone now.")
        messages.success(request, sentence % {"number": removed})

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method != "POST":
            return super().changeform_view(request, *args, **kwargs)
        ask_factor_again(request)
        try:
            with changing_rights():
                return super().changeform_view(request, *args, **kwargs)
        except LastAdministrator as refused:
            messages.error(request, refusal_text(refused))
            return HttpResponseRedirect(request.get_full_path())

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        changed = [name for name in AUDITED if name in form.changed_data]
        details = {"after": {name: as_text(form.cleaned_data[name]) for name in changed}}
        if change:
            details["before"] = {name: as_text(form.initial[name]) for name in changed}
        if details["after"]:
            action = "account.changed" if change else "account.created"
            record_audit_event(
                by=cast(User, request.user), action=action, target=form.instance.username, details=details
            )

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        if request.method == "POST":
            ask_factor_again(request)
        before = self.get_object(request, unquote(id))
        response = super().user_change_password(request, id, form_url)
        after = self.get_object(request, unquote(id))
        if before and after and before.password != after.password:
            record_audit_event(by=cast(User, request.user), action="account.password_set", target=after.username)
            end_tokens(user=after)
        return response


def as_text(value: Any) -> Any:
    """Return groups as their names, and all other values unchanged."""
    return sorted(group.name for group in value) if isinstance(value, list | QuerySet) else value


@admin.register(SocialAccount)
class SocialAccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Superusers take the joint between a provider's account and one here away. The next sign-in makes a new one."""

    list_display = ("user", "provider", "uid", "date_joined")
    list_filter = ("provider",)
    search_fields = ("user__username", "user__email", "uid")
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SocialAccount | None = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: SocialAccount) -> None:
        details = {"provider": obj.provider}
        record_audit_event(
            by=cast(User, request.user), action="account.provider_taken_off", target=obj.user.username, details=details
        )
        super().delete_model(request, obj)
