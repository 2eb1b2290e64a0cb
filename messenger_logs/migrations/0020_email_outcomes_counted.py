"""Outcomes of e-mails in the kept totals, and indexes to find an e-mail by its Message-Id, and by its address and time.

PostgreSQL builds three indexes of deliveries, and one again. Nobody can write deliveries meanwhile: about a minute for
10 million of them. The new figures come from the rows in one statement.
"""

from django.db import migrations, models
from django.db.models import Q

FIGURES = """
UPDATE messenger_logs_messagemodetotals AS kept
SET delivered = counted.delivered, failed = counted.failed, suppressed = counted.suppressed,
    complained = counted.complained
FROM (
    SELECT
        message_id,
        count(*) FILTER (WHERE email_outcome = 'delivered') AS delivered,
        count(*) FILTER (WHERE email_outcome IN ('failed', 'failed-permanent', 'rejected')) AS failed,
        count(*) FILTER (WHERE email_outcome = 'suppressed') AS suppressed,
        count(*) FILTER (WHERE email_outcome = 'complained') AS complained
    FROM messenger_logs_delivery
    WHERE mode = 'email' AND status = 'sent' AND NOT duplicate AND email_outcome <> ''
    GROUP BY message_id
) AS counted
WHERE kept.message_id = counted.message_id AND kept.mode = 'email'
"""
MAILED = Q(mode="email", status="sent", duplicate=False)


class Migration(migrations.Migration):

    dependencies = [
        ("messenger_logs", "0019_people_reached"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="email_linked_by",
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
                help_text="how we know that it is of us",
                max_length=16,
            ),
        ),
        *(
            migrations.AddField(
                model_name="messagemodetotals",
                name=name,
                field=models.IntegerField(db_default=0, default=0),
            )
            for name in ("delivered", "failed", "suppressed", "complained")
        ),
        migrations.RunSQL(FIGURES, migrations.RunSQL.noop),
        migrations.RemoveField(model_name="messagemodetotals", name="refused"),
        migrations.RemoveIndex(model_name="delivery", name="delivery_totals"),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                fields=["message", "mode", "outcome"],
                include=[
                    "recipient",
                    "status",
                    "duplicate",
                    "reached_earlier",
                    "attempt_count",
                    "first_attempt_at",
                    "email_outcome",
                ],
                name="delivery_totals",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                fields=["provider_id", "address"],
                condition=Q(mode="email") & ~Q(provider_id=""),
                name="delivery_message_id",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["address", "last_attempt_at"], condition=MAILED, name="delivery_mailed"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                fields=["address"], condition=MAILED & Q(last_attempt_at=None), name="delivery_mailed_untimed"
            ),
        ),
    ]
