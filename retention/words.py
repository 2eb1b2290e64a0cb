"""What pages and commands say about what stays."""

from django.utils.translation import gettext_lazy as _

STAYS = {
    "held": _("messages, replies or events that a hold protects"),
    "running": _("messages that have not ended, or files that are being imported"),
    "shared": _("addresses or numbers that other people have too"),
}
