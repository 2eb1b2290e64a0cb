from django.db.models import TextChoices


class ChannelKind(TextChoices):
    EMAIL = "email", "E-mail"
    WEBHOOK = "webhook", "Webhook"


class WebhookFormat(TextChoices):
    SLACK = "slack", "Slack"
    TEAMS = "teams", "Microsoft Teams"
    JSON = "json", "Plain JSON"


class AlertState(TextChoices):
    """What is true of an alert; it follows from its times."""

    OPEN = "open", "Open"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    CLEARED = "cleared", "Cleared"


class NoticeKind(TextChoices):
    """What a channel is told of an alert."""

    FIRED = "fired", "Fired"
    REMINDER = "reminder", "Reminder"
    CLEARED = "cleared", "Cleared"
    TEST = "test", "Test"


class DeliveryState(TextChoices):
    """How far a notice came. Each step is committed before the next."""

    WAITING = "waiting", "Waiting"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    IN_DOUBT = "in_doubt", "May have been sent"
    GIVEN_UP = "given_up", "Not sent"
    SKIPPED = "skipped", "Not needed any more"
