from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("engines", "0007_judges_to"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="modechange",
            options={
                "ordering": ["-at"],
                "verbose_name": "change of the AI mode",
                "verbose_name_plural": "changes of the AI mode",
            },
        ),
        migrations.AddField(
            model_name="modechange",
            name="changed",
            field=models.JSONField(default=dict, verbose_name="changed fields"),
        ),
    ]
