from django.db import migrations

HIGHEST = 4


def up_to_levels(apps, schema_editor):
    """Figures of before were of all levels together, at one threshold."""
    rows = apps.get_model("evaluation", "Evaluation").objects.all()
    for row in rows:
        for each in row.figures.get("judge", ()):
            each.setdefault("threshold", row.figures["threshold"])
            each["level"] = each["level"] or HIGHEST
        row.save(update_fields=["figures"])


class Migration(migrations.Migration):
    dependencies = [
        ("evaluation", "0002_texts"),
    ]

    operations = [
        migrations.RunPython(up_to_levels, migrations.RunPython.noop),
    ]
