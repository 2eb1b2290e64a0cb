from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reports', '0006_xlsx'),
    ]

    operations = [
        migrations.AddField(
            model_name='reportjob',
            name='criteria',
            field=models.TextField(blank=True, db_default='', default='', help_text='its filters or choices, in words: what tells it from others'),
        ),
    ]
