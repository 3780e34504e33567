from django.db import migrations


RENAME = "UPDATE hints_hint SET reason = '{}' WHERE reason = '{}'"


class Migration(migrations.Migration):
    dependencies = [
        ("hints", "0007_ahead"),
    ]

    operations = [
        migrations.RunSQL(
            RENAME.format("unlicensed", "other_level"), RENAME.format("other_level", "unlicensed")
        ),
    ]
