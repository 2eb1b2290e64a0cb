"""Stored reports of lists name their listing instead of the view of its page, so that they can still be opened."""

from django.db import migrations

# The name of the URL of a list, and the name of its listing.
LISTINGS = {
    "messenger_logs:log": "sent_message_log",
    "messenger_logs:admin_log": "admin_sent_message_log",
    "messenger_logs:olr_log": "olr_email_log",
    "messenger_logs:admin_olr_log": "admin_olr_email_log",
    "messenger_logs:log_2": "sent_message_log_2",
    "messenger_logs:upcoming": "upcoming_messages",
    "messenger_logs:message_recipients": "sent_message_log_message_recipients",
    "messenger_logs:admin_message_recipients": "admin_sent_message_log_message_recipients",
    "messenger_logs:message_2_recipients": "sent_message_log_2_message_recipients",
    "messenger_logs:upcoming_message_recipients": "upcoming_messages_message_recipients",
    "messenger_logs:recipient_log": "recipient_log",
    "messenger_logs:admin_recipient_log": "admin_recipient_log",
    "mailgun_sync:log": "mailgun_message_log",
    "mailgun_sync:admin_log": "admin_mailgun_message_log",
    "accounts:audit_trail": "audit_trail",
}
VIEWS = {listing: view for view, listing in LISTINGS.items()}


def name_listings(apps, schema_editor):
    ReportJob = apps.get_model("reports", "ReportJob")
    for job in ReportJob.objects.filter(kind__in=["grid", "mailgun", "recipient"], options__has_key="view").iterator():
        view = job.options["view"]
        job.options = {
            # An unknown view stays unchanged; opening the report says that it is gone.
            "listing": LISTINGS.get(view, view),
            "arguments": job.options.get("arguments", {}),
            "values": job.options.get("asked", {}),
        }
        job.kind = "listing" if job.kind == "grid" else job.kind
        job.save(update_fields=["kind", "options"])


def name_views(apps, schema_editor):
    ReportJob = apps.get_model("reports", "ReportJob")
    for job in ReportJob.objects.filter(kind__in=["listing", "mailgun", "recipient"], options__has_key="listing").iterator():
        listing = job.options["listing"]
        job.options = {
            "view": VIEWS.get(listing, listing),
            "arguments": job.options["arguments"],
            "asked": job.options["values"],
        }
        job.kind = "grid" if job.kind == "listing" else job.kind
        job.save(update_fields=["kind", "options"])


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial")]

    operations = [migrations.RunPython(name_listings, name_views, elidable=False)]
