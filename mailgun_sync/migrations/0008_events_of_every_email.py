"""By which key an event belongs to a delivery, and indexes to find the events that came before their message.

PostgreSQL builds four indexes: about a minute for 5 million events. migrate calls manage.py link_events at its end, which
gives the events that are here to the deliveries that are here; it may be run again at any time.
"""

from django.db import migrations, models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Lower, NullIf


class Migration(migrations.Migration):

    dependencies = [
        ("mailgun_sync", "0007_webhooks_and_logs_api"),
        ("messenger_logs", "0020_email_outcomes_counted"),
    ]

    operations = [
        migrations.AddField(
            model_name="mailgunevent",
            name="linked_by",
            field=models.CharField(
                blank=True,
                choices=[
                    ("ambiguous", "Several e-mails fit"),
                    ("subject", "Address, subject and time"),
                    ("message_id", "Message-Id and address"),
                    ("variables", "Our own mark in the e-mail"),
                ],
                db_default="",
                default="",
                max_length=16,
            ),
        ),
        migrations.RemoveIndex(model_name="mailgunevent", name="mailgun_event_recipient"),
        migrations.AddIndex(
            model_name="mailgunevent",
            index=models.Index(fields=["recipient", "occurred_at"], name="mailgun_event_recipient"),
        ),
        migrations.AddIndex(
            model_name="mailgunevent",
            index=models.Index(
                fields=["message_id"],
                condition=~Q(linked_by="variables") & ~Q(message_id=""),
                name="mailgun_event_message_id",
            ),
        ),
        migrations.AddIndex(
            model_name="mailgunevent",
            index=models.Index(
                fields=["recipient"], condition=Q(linked_by="ambiguous"), name="mailgun_event_ambiguous"
            ),
        ),
        migrations.AddIndex(
            model_name="recipientaddress",
            index=models.Index(
                Coalesce(NullIf(F("mailbox"), Value("")), Lower("address")), name="recipient_address_canonical"
            ),
        ),
    ]
