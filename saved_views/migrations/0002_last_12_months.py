from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("saved_views", "0001_initial")]

    operations = [
        # It changes no column.
        migrations.AlterField(
            model_name="savedview",
            name="days",
            field=models.CharField(
                blank=True,
                choices=[
                    ("today", "today"),
                    ("yesterday", "yesterday"),
                    ("last_7_days", "last 7 days"),
                    ("last_week", "last week, Monday to Sunday"),
                    ("last_30_days", "last 30 days"),
                    ("last_month", "last month"),
                    ("last_12_months", "last 12 months"),
                    ("school_year", "this school year"),
                ],
                max_length=16,
            ),
        ),
    ]
