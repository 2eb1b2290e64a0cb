from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('saved_views', '0002_last_12_months'),
    ]

    operations = [
        migrations.AlterField(
            model_name='reportschedule',
            name='format',
            field=models.CharField(choices=[('pdf', 'PDF'), ('csv', 'CSV'), ('docx', 'DOCX'), ('xlsx', 'XLSX')], max_length=8),
        ),
    ]
