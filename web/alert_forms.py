"""The form of a channel of alerts."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from alerts.choices import ChannelKind, WebhookFormat
from alerts.models import AlertChannel
from providers.public_addresses import is_public

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MOST_ADDRESSES = 20
NAME_TAKEN = _("another channel has this name.")
_PRIVATE = _("it is in a private network or on this host. ALERT_PRIVATE_WEBHOOKS has to allow that.")


class EmailsField(forms.CharField):
    """E-mail addresses, separated by commas, blanks or lines."""

    def clean(self, value: Any) -> Any:
        addresses = list(dict.fromkeys(filter(None, re.split(r"[\s,;]+", super().clean(value)))))
        if len(addresses) > MOST_ADDRESSES:
            raise ValidationError(gettext("enter %(count)s addresses at most.") % {"count": MOST_ADDRESSES})
        for number, address in enumerate(addresses, 1):
            try:
                validate_email(address)
            except ValidationError:
                # An error never repeats what was typed.
                raise ValidationError(gettext("number %(number)s is no e-mail address.") % {"number": number}) from None
        return addresses


class WebhookField(forms.CharField):
    """The address of a webhook. Which hosts are private is asked again, for names too, whenever something is sent."""

    def clean(self, value: Any) -> str:
        url: str = super().clean(value)
        if not url:
            return ""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValidationError(gettext("this is no address.")) from None
        if parts.scheme not in ("http", "https") or not host or port == 0 or not url.isprintable() or " " in url:
            raise ValidationError(gettext("it has to begin with https:// or http://, and to name a host."))
        if parts.username is not None or parts.fragment:
            raise ValidationError(gettext("it must have neither a user nor a part behind #."))
        if not settings.ALERT_PRIVATE_WEBHOOKS and _is_private(host):
            raise ValidationError(_PRIVATE)
        return url


def _is_private(host: str) -> bool:
    """Whether a host is surely private: an IP address, or this host by name."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    return not is_public(host)


def _time(label: StrOrPromise) -> forms.TimeField:
    return forms.TimeField(label=label, required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))


class ChannelForm(forms.Form):
    """What a channel of its kind has. The address of a webhook is never shown again; empty, it stays."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("Such as Office of technology."))
    active = forms.BooleanField(label=_("Send alerts to this channel"), required=False)
    urgent_only = forms.BooleanField(label=_("Only urgent ones"), required=False)
    tells_cleared = forms.BooleanField(label=_("Say so when an alert clears"), required=False)
    remind_hours = forms.IntegerField(
        label=_("Remind every so many hours"),
        min_value=0,
        max_value=168,
        help_text=_("Until somebody acknowledges the alert; 0 for never."),
    )
    quiet_from = _time(_("Quiet from"))
    quiet_to = _time(_("Quiet until"))

    def __init__(self, data: Any = None, *, channel: AlertChannel) -> None:
        super().__init__(data, initial={name: getattr(channel, name) for name in self.base_fields})
        self.channel = channel
        if channel.kind == ChannelKind.EMAIL:
            self.fields["emails"] = EmailsField(
                label=_("E-mail addresses"),
                initial="\n".join(channel.emails),
                max_length=6_000,
                widget=forms.Textarea(attrs={"rows": 3}),
                help_text=_("One in a line, or with commas. All of them get one e-mail."),
            )
        else:
            self.fields["format"] = forms.ChoiceField(
                label=_("Format"), choices=WebhookFormat.choices, initial=channel.format
            )
            self.fields["url"] = _url_field(channel)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if AlertChannel.objects.filter(name=name).exclude(pk=self.channel.pk).exists():
            raise ValidationError(NAME_TAKEN)
        return name

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        begin, end = given.get("quiet_from"), given.get("quiet_to")
        if not {"quiet_from", "quiet_to"} & self.errors.keys():
            if (begin is None) != (end is None):
                self.add_error("quiet_to", gettext("quiet hours need their begin and their end."))
            elif begin is not None and begin == end:
                self.add_error("quiet_to", gettext("it is the same as the begin."))
        return given


def _url_field(channel: AlertChannel) -> forms.Field:
    stored = bool(channel.sealed_url)
    return WebhookField(
        label=_("Address"),
        max_length=2_000,
        required=not stored,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext("Now %(address)s. Empty: it stays.") % {"address": channel.goes_to}
        if stored
        else gettext("It is a secret: it is stored encrypted, and not shown again."),
    )
