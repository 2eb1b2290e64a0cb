"""Stored reports of lists name their listing instead of the view of its page, so that they can still be opened."""

from django.db import migrations

# The name of the URL of a list, and the name of its listing.
LISTINGS = {
    "web:sent_message_log": "sent_message_log",
    "web:admin_sent_message_log": "admin_sent_message_log",
    "web:olr_email_log": "olr_email_log",
    "web:admin_olr_email_log": "admin_olr_email_log",
    "web:sent_message_log_2": "sent_message_log_2",
    "web:upcoming_messages": "upcoming_messages",
    "web:sent_message_log_message_recipients": "sent_message_log_message_recipients",
    "web:admin_sent_message_log_message_recipients": "admin_sent_message_log_message_recipients",
    "web:sent_message_log_2_message_recipients": "sent_message_log_2_message_recipients",
    "web:upcoming_messages_message_recipients": "upcoming_messages_message_recipients",
    "web:recipient_log": "recipient_log",
    "web:admin_recipient_log": "admin_recipient_log",
    "web:mailgun_message_log": "mailgun_message_log",
    "web:admin_mailgun_message_log": "admin_mailgun_message_log",
    "web:audit_trail": "audit_trail",
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
