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
                help_text="Level 5 says in words which expression has to change. It counts as two.",
                verbose_name="a last level says what to change",
            ),
        ),
    ]
