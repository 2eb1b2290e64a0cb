"""A stored file names the finer rights that its rows needed, so that it can be refused after one was taken away."""

from django.db import migrations, models

TYPES = [f"accounts.type_{name}_sent_message_log_2" for name in ("general", "priority", "emergency", "text_opt")]


def name_permissions(apps, schema_editor):
    """Files from before do not say which rights they needed: they ask for all that may have been in use."""
    ReportJob = apps.get_model("reports", "ReportJob")
    for job in ReportJob.objects.filter(kind="listing", status="done").iterator():
        everybodys = job.options["values"].get("whose") == "all"
        match job.options["listing"]:
            case "sent_message_log_2":
                whose = "all_messages" if everybodys else "my_messages"
                job.permissions = [f"accounts.{whose}_sent_message_log_2", *TYPES]
            case "upcoming_messages" if everybodys:
                job.permissions = ["accounts.view_cancel_all_upcoming_messages"]
            case _:
                continue
        job.save(update_fields=["permissions"])


class Migration(migrations.Migration):
    dependencies = [("reports", "0002_listings_by_name")]

    operations = [
        migrations.AddField(
            model_name="reportjob",
            name="permissions",
            field=models.JSONField(
                default=list,
                help_text="what the owner had to have so that the file has these rows: names of permissions",
            ),
        ),
        migrations.RunPython(name_permissions, migrations.RunPython.noop, elidable=True),
    ]
