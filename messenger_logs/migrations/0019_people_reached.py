"""Who was reached. `manage.py recount` fills the new tables for messages that are here already."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_logs', '0018_last_said'),
    ]

    operations = [
        migrations.RenameField(
            model_name='messagemodetotals',
            old_name='hung_up',
            new_name='canceled_begun',
        ),
        migrations.AddField(
            model_name='delivery',
            name='email_outcome_at',
            field=models.DateTimeField(blank=True, help_text='when that was; of an e-mail that arrived, when it arrived', null=True),
        ),
        migrations.AddField(
            model_name='recipient',
            name='language',
            field=models.CharField(blank=True, db_default='', default='', help_text='of the family: a BCP 47 tag or a name', max_length=64),
        ),
        migrations.AddField(
            model_name='recipient',
            name='student_school',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='messenger_logs.school'),
        ),
        migrations.AddField(
            model_name='sentmessage',
            name='drill',
            field=models.BooleanField(db_default=False, default=False, help_text='it only tries who can be reached'),
        ),
        migrations.CreateModel(
            name='PersonReach',
            fields=[
                ('recipient', models.OneToOneField(help_text='the counted one', on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='person_reach', serialize=False, to='messenger_logs.recipient')),
                ('language', models.CharField(blank=True, db_default='', max_length=64)),
                ('reach', models.CharField(choices=[('reached', 'Reached'), ('unconfirmed', 'Handed over, not confirmed'), ('not_reached', 'Not reached'), ('canceled', 'Canceled'), ('no_device', 'No device')], help_text='the best of the modes', max_length=12)),
                ('inbox', models.CharField(blank=True, choices=[('reached', 'Reached'), ('unconfirmed', 'Handed over, not confirmed'), ('not_reached', 'Not reached'), ('canceled', 'Canceled'), ('no_device', 'No device')], db_default='', max_length=12)),
                ('email', models.CharField(blank=True, choices=[('reached', 'Reached'), ('unconfirmed', 'Handed over, not confirmed'), ('not_reached', 'Not reached'), ('canceled', 'Canceled'), ('no_device', 'No device')], db_default='', max_length=12)),
                ('voice', models.CharField(blank=True, choices=[('reached', 'Reached'), ('unconfirmed', 'Handed over, not confirmed'), ('not_reached', 'Not reached'), ('canceled', 'Canceled'), ('no_device', 'No device')], db_default='', max_length=12)),
                ('text', models.CharField(blank=True, choices=[('reached', 'Reached'), ('unconfirmed', 'Handed over, not confirmed'), ('not_reached', 'Not reached'), ('canceled', 'Canceled'), ('no_device', 'No device')], db_default='', max_length=12)),
                ('reached_at', models.DateTimeField(blank=True, help_text='when a device first reached the person', null=True)),
                ('message', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='person_reach', to='messenger_logs.sentmessage')),
                ('school', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='messenger_logs.school')),
            ],
            options={
                'verbose_name_plural': 'person reach',
                'indexes': [models.Index(fields=['message', 'reach', 'recipient'], name='person_reach_of_message')],
            },
        ),
        migrations.CreateModel(
            name='ReachTotals',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(blank=True, db_default='', max_length=64)),
                ('mode', models.CharField(blank=True, choices=[('inbox', 'Inbox'), ('email', 'Email'), ('voice', 'Voice'), ('text', 'Text')], db_default='', help_text='"" for any mode', max_length=16)),
                ('reached', models.IntegerField(db_default=0)),
                ('unconfirmed', models.IntegerField(db_default=0)),
                ('not_reached', models.IntegerField(db_default=0)),
                ('canceled', models.IntegerField(db_default=0)),
                ('no_device', models.IntegerField(db_default=0)),
                ('message', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='reach_totals', to='messenger_logs.sentmessage')),
                ('school', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='messenger_logs.school')),
            ],
            options={
                'verbose_name_plural': 'reach totals',
                'constraints': [models.UniqueConstraint(fields=('message', 'mode', 'school', 'language'), name='reach_totals_of_message', nulls_distinct=False)],
            },
        ),
        # Room for the next version of a row on its page: a change of one mode alone touches no index.
        migrations.RunSQL(
            'ALTER TABLE messenger_logs_personreach SET (fillfactor = 80)', migrations.RunSQL.noop
        ),
    ]
