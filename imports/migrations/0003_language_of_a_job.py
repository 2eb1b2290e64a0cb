import core.languages
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('imports', '0002_jobs_take_turns'),
    ]

    operations = [
        migrations.AddField(
            model_name='importjob',
            name='language',
            field=models.CharField(db_default='', default=core.languages.language_now, max_length=16),
        ),
    ]
