import core.languages
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reports', '0007_what_tells_it_from_others'),
    ]

    operations = [
        migrations.AddField(
            model_name='reportjob',
            name='language',
            field=models.CharField(db_default='', default=core.languages.language_now, max_length=16),
        ),
    ]
