"""A plainer name for a field; its column keeps the former one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("creatives", "0007_normal_ids")]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField("fingerprint", "heard", "sound_compared"),
                migrations.AlterField(
                    "fingerprint",
                    "sound_compared",
                    models.BooleanField(db_column="heard", verbose_name="its sound was compared"),
                ),
            ]
        )
    ]
