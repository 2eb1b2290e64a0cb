import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_logs', '0010_messages_without_an_end'),
    ]

    operations = [
        # PostgreSQL renames a column without touching a row, and the index that includes it follows. So the index
        # changes in Django's state alone: nothing is built a second time.
        migrations.RenameField(
            model_name='delivery',
            old_name='attempts',
            new_name='attempt_count',
        ),
        migrations.RenameField(
            model_name='delivery',
            old_name='reached_before',
            new_name='reached_earlier',
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex(
                    model_name='delivery',
                    name='delivery_totals',
                ),
                migrations.AddIndex(
                    model_name='delivery',
                    index=models.Index(fields=['message', 'mode', 'outcome'], include=('recipient', 'status', 'duplicate', 'reached_earlier', 'attempt_count', 'first_attempt_at'), name='delivery_totals'),
                ),
            ],
        ),
        migrations.AlterField(
            model_name='deviceattempt',
            name='delivery',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to='messenger_logs.delivery'),
        ),
        migrations.RenameIndex(
            model_name='sentmessage',
            old_name='message_without_an_end',
            new_name='message_unfinished',
        ),
        # Help texts: no statement for the database.
        migrations.AlterField(
            model_name='messagemodetotals',
            name='devices',
            field=models.IntegerField(default=0, help_text='unique addresses or numbers, with any result'),
        ),
        migrations.AlterField(
            model_name='messagemodetotals',
            name='opted_out',
            field=models.IntegerField(default=0, help_text='part of the not attempted'),
        ),
        migrations.AlterField(
            model_name='messagemodetotals',
            name='received',
            field=models.IntegerField(db_default=0, default=0, help_text='part of the pending: the provider has them and reports no more'),
        ),
        migrations.AlterField(
            model_name='messagemodetotals',
            name='undelivered',
            field=models.IntegerField(default=0, help_text='part of the errors: those after the hand-off'),
        ),
        migrations.AlterField(
            model_name='redial',
            name='attempt',
            field=models.PositiveSmallIntegerField(help_text='the number of the next attempt'),
        ),
        migrations.AlterField(
            model_name='redial',
            name='claim',
            field=models.UUIDField(blank=True, help_text='of the dispatcher, while the attempt runs', null=True),
        ),
        migrations.AlterField(
            model_name='sentmessage',
            name='email_start_at',
            field=models.DateTimeField(blank=True, help_text='when Inbox and e-mail begin', null=True),
        ),
        migrations.AlterField(
            model_name='sentmessage',
            name='voice_start_at',
            field=models.DateTimeField(blank=True, help_text='when Voice and Text begin', null=True),
        ),
    ]
