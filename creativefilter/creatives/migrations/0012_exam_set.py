"""The exam set. ``manage.py prepare`` assigns the creatives that exist already."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("creatives", "0011_room_for_updates")]
    operations = [
        migrations.CreateModel(
            name="UnitMember",
            fields=[
                (
                    "creative_key",
                    models.BigIntegerField(
                        primary_key=True, serialize=False, verbose_name="key of the creative"
                    ),
                ),
                ("unit", models.BigIntegerField(db_index=True, verbose_name="exam unit")),
            ],
            options={
                "verbose_name": "member of an exam unit",
                "verbose_name_plural": "members of exam units",
            },
        ),
        migrations.AddField(
            "creative", "is_exam", models.BooleanField(null=True, verbose_name="exam set")
        ),
        migrations.AddIndex(
            "creative", models.Index(fields=["is_exam"], name="creatives_c_is_exam_12eabe_idx")
        ),
    ]
