"""A stored file names the schools of which it has the rows of others, so that it can be refused to people of fewer."""

from django.db import migrations, models

EVERYBODYS = {"accounts.all_messages_sent_message_log_2", "accounts.view_cancel_all_upcoming_messages"}


def of_own_messages(apps, schema_editor):
    """Until now all rights were for all schools. A list of own messages alone has no rows of others.

    What is about one message asks for nothing that the page of the message does not ask for.
    """
    ReportJob = apps.get_model("reports", "ReportJob")
    for job in ReportJob.objects.filter(options__has_key="listing").iterator():
        name = job.options["listing"]
        everybodys = name.startswith("admin_") or name == "replies" or EVERYBODYS & {*job.permissions}
        if not everybodys and not name.endswith(("_message_recipients", "_message_unreached")):
            job.schools = []
            job.save(update_fields=["schools"])


class Migration(migrations.Migration):
    dependencies = [("reports", "0003_what_a_file_needs")]

    operations = [
        migrations.AddField(
            model_name="reportjob",
            name="schools",
            field=models.JSONField(
                default=None,
                help_text="of which the owner saw the rows of others: their ids; null for all schools",
                null=True,
            ),
        ),
        migrations.RunPython(of_own_messages, migrations.RunPython.noop, elidable=True),
    ]
