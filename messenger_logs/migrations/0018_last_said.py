"""The time of a consent is when the family last said so. Until now it was when the consent changed."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_logs', '0017_canceled_after_they_left'),
    ]

    operations = [
        migrations.RenameField(model_name='textconsent', old_name='changed_at', new_name='said_at'),
        migrations.AlterField(
            model_name='textconsent',
            name='said_at',
            field=models.DateTimeField(help_text='when the family last said so'),
        ),
    ]
