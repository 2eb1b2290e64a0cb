from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reports', '0005_jobs_take_turns'),
    ]

    operations = [
        migrations.AlterField(
            model_name='reportjob',
            name='format',
            field=models.CharField(choices=[('pdf', 'PDF'), ('csv', 'CSV'), ('docx', 'DOCX'), ('xlsx', 'XLSX')], max_length=8),
        ),
    ]
