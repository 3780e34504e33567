from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("courses", "0007_quotas"),
    ]

    operations = [
        migrations.AddField(
            model_name="course",
            name="tells",
            field=models.BooleanField(
                default=False,
                help_text="Level 5 names the expression that has to change, and why, without code. "
                "Such a hint counts as two. Off: there is no level 5.",
                verbose_name="a last level says what to change",
            ),
        ),
    ]
