from django.db import migrations, models


def without_it(apps, schema_editor):
    """Figures of before knew of no wording."""
    rows = apps.get_model("evaluation", "Evaluation").objects.all()
    for row in rows:
        for each in row.figures.get("judge", ()):
            each.setdefault("alone", each["auc"])
        row.save(update_fields=["figures"])


class Migration(migrations.Migration):
    dependencies = [
        ("evaluation", "0003_judged_levels"),
    ]

    operations = [
        migrations.AddField(
            model_name="item",
            name="alone",
            field=models.FloatField(null=True),
        ),
        migrations.RunPython(without_it, migrations.RunPython.noop),
    ]
