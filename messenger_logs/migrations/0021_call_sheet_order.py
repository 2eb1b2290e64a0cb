"""The order of a call sheet: school, student, person. `manage.py recount` fills it, with the rows themselves."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_logs', '0020_email_outcomes_counted'),
    ]

    operations = [
        migrations.AddField(
            model_name='personreach',
            name='filed_under',
            field=models.TextField(db_default='', help_text='school, student and person in plain letters: the order of a call sheet'),
        ),
        migrations.AddIndex(
            model_name='personreach',
            index=models.Index(condition=models.Q(('reach__in', ['not_reached', 'no_device'])), fields=['message', 'filed_under', 'recipient'], name='person_reach_call_sheet'),
        ),
    ]
