import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_logs', '0027_student_schools'),
    ]

    operations = [
        migrations.CreateModel(
            name='ErasedAddress',
            fields=[
                ('digest', models.CharField(help_text='in hexadecimal', max_length=64, primary_key=True, serialize=False)),
                ('erased_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('opted_out', models.BooleanField(db_default=False, default=False, help_text='the family refused texts')),
                ('said_at', models.DateTimeField(blank=True, help_text='when the family last said so', null=True)),
            ],
            options={
                'verbose_name_plural': 'erased addresses',
            },
        ),
        migrations.AddField(
            model_name='recipient',
            name='removed',
            field=models.BooleanField(db_default=False, default=False, help_text='names and addresses are gone: their time is over, or they were erased'),
        ),
    ]
