import django.core.validators
from django.db import migrations, models

HIGHEST = 4


def judged_all(apps, schema_editor):
    """Whoever might judge so far might judge hints of every level."""
    apps.get_model("engines", "Licence").objects.filter(judges=True).update(judges_to=HIGHEST)


class Migration(migrations.Migration):
    dependencies = [
        ("engines", "0006_max_tokens"),
    ]

    operations = [
        migrations.AddField(
            model_name="licence",
            name="judges_to",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="0: none. Hints above it come without a model where this model judges them.",
                validators=[django.core.validators.MaxValueValidator(HIGHEST)],
                verbose_name="judges hints up to level",
            ),
        ),
        migrations.RunPython(judged_all, migrations.RunPython.noop),
        migrations.RemoveField(model_name="licence", name="judges"),
    ]
