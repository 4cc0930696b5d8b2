"""The version whose text model trainings may mix into new versions."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("creatives", "0012_exam_set")]
    operations = [
        migrations.AddField(
            "modelversion",
            "is_ancestor",
            models.BooleanField(db_default=False, default=False, verbose_name="ancestor"),
        ),
        migrations.AddConstraint(
            "modelversion",
            models.UniqueConstraint(
                condition=models.Q(("is_ancestor", True)),
                fields=("is_ancestor",),
                name="one_ancestor",
            ),
        ),
    ]
