import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('messenger_logs', '0028_removed_people'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AgedMessage',
            fields=[
                ('message', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='aged', serialize=False, to='messenger_logs.sentmessage')),
                ('bodies_at', models.DateTimeField(blank=True, null=True)),
                ('people_at', models.DateTimeField(blank=True, null=True)),
                ('raw_at', models.DateTimeField(blank=True, null=True)),
                ('kept', models.PositiveIntegerField(default=0, help_text='people whom a hold protects: they are looked at again')),
            ],
        ),
        migrations.CreateModel(
            name='RetentionPeriod',
            fields=[
                ('kind', models.CharField(choices=[('bodies', 'Texts of messages'), ('people', 'Names, addresses and numbers'), ('events', "Mailgun's events"), ('raw', 'Raw answers of providers'), ('audit', 'Audit trail'), ('reports', 'Files of reports and imports')], max_length=16, primary_key=True, serialize=False)),
                ('days', models.PositiveIntegerField(blank=True, help_text='NULL: it is kept for ever', null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('person_id', models.CharField(blank=True, help_text='empty when it is done', max_length=64)),
                ('digest', models.CharField(help_text="of the person id, with the site's secret", max_length=64)),
                ('identity', models.JSONField(blank=True, default=dict, help_text='{names, addresses, messages}; empty when done')),
                ('asked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('asked_by_name', models.CharField(max_length=310)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('figures', models.JSONField(blank=True, default=dict, help_text='{what: how many rows are erased}')),
                ('stays', models.JSONField(blank=True, default=dict, help_text='{held, running, shared: how many}: why some are not')),
            ],
            options={
                'ordering': ['-asked_at', '-id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('finished_at', None)), fields=('person_id',), name='one_erasure_of_a_person_at_a_time'), models.CheckConstraint(condition=models.Q(('finished_at', None), models.Q(('finished_at__isnull', False), ('identity', {}), ('person_id', '')), _connector='OR'), name='erasure_names_nobody_when_done')],
            },
        ),
        migrations.CreateModel(
            name='Hold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('person', 'Person'), ('student', 'Student'), ('sender', 'Sender'), ('message', 'Message'), ('period', 'Period')], max_length=16)),
                ('value', models.CharField(blank=True, help_text='the id, number or name; of a period nothing', max_length=310)),
                ('first_day', models.DateField(blank=True, null=True)),
                ('last_day', models.DateField(blank=True, null=True)),
                ('reason', models.CharField(max_length=200)),
                ('set_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('set_by_name', models.CharField(max_length=310)),
                ('lifted_at', models.DateTimeField(blank=True, null=True)),
                ('lifted_by_name', models.CharField(blank=True, max_length=310)),
                ('set_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-set_at', '-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('first_day__isnull', False), ('kind', 'period'), ('last_day__gte', models.F('first_day')), ('value', '')), models.Q(models.Q(('kind', 'period'), _negated=True), models.Q(('value', ''), _negated=True), ('first_day', None), ('last_day', None)), _connector='OR'), name='hold_is_about_something')],
            },
        ),
    ]
