from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ChannelKind(TextChoices):
    EMAIL = "email", _("E-mail")
    WEBHOOK = "webhook", "Webhook"


class WebhookFormat(TextChoices):
    SLACK = "slack", "Slack"
    TEAMS = "teams", "Microsoft Teams"
    JSON = "json", _("Plain JSON")


class AlertState(TextChoices):
    """What is true of an alert; it follows from its times."""

    OPEN = "open", pgettext_lazy("alert", "Open")
    ACKNOWLEDGED = "acknowledged", pgettext_lazy("alert", "Acknowledged")
    CLEARED = "cleared", pgettext_lazy("alert", "Cleared")


class NoticeKind(TextChoices):
    """What a channel is told of an alert."""

    FIRED = "fired", pgettext_lazy("alert", "Fired")
    REMINDER = "reminder", _("Reminder")
    CLEARED = "cleared", pgettext_lazy("alert", "Cleared")
    TEST = "test", _("Test")


class DeliveryState(TextChoices):
    """How far a notice came. Each step is committed before the next."""

    WAITING = "waiting", _("Waiting")
    SENDING = "sending", _("Being sent")
    SENT = "sent", pgettext_lazy("notice", "Sent")
    IN_DOUBT = "in_doubt", _("May have been sent")
    GIVEN_UP = "given_up", pgettext_lazy("notice", "Not sent")
    SKIPPED = "skipped", _("Not needed any more")
