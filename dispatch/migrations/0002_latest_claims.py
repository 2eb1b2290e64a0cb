from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('dispatch', '0001_initial'),
    ]

    operations = [
        # Claims of CLAIM_RETENTION_DAYS: a second for a million. Nothing is handed over meanwhile.
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(fields=['mode', 'claimed_at'], name='claim_latest'),
        ),
    ]
