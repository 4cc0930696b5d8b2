"""Settings, parameters, inputs and changes of decisions; predictions refer to their parameters."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("creatives", "0009_segments_as_data"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="DecisionSettings",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False,
                                           verbose_name="ID")),
                ("precision", models.FloatField(verbose_name="target precision")),
                ("mix", models.JSONField(null=True, verbose_name="mix of segments")),
                ("note", models.CharField(blank=True, max_length=255, verbose_name="note")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="set")),
                ("author", models.ForeignKey(null=True,
                                             on_delete=django.db.models.deletion.SET_NULL,
                                             related_name="+", to=settings.AUTH_USER_MODEL,
                                             verbose_name="author")),
            ],
            options={
                "verbose_name": "settings of decisions",
                "verbose_name_plural": "settings of decisions",
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="DecisionParameters",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False,
                                           verbose_name="ID")),
                ("rule_version", models.PositiveSmallIntegerField()),
                ("values", models.JSONField()),
                ("model_version", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE,
                                                    related_name="+",
                                                    to="creatives.modelversion")),
                ("settings", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT,
                                               related_name="+",
                                               to="creatives.decisionsettings")),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("model_version", "settings", "rule_version"),
                        name="parameters_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DecisionInputs",
            fields=[
                ("prediction", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE,
                                                    primary_key=True, related_name="inputs",
                                                    serialize=False, to="creatives.prediction")),
                ("mask", models.PositiveSmallIntegerField()),
                ("values", models.BinaryField()),
                ("likeness", models.FloatField(null=True)),
                ("gates", models.JSONField(default=dict)),
                ("evidence", models.JSONField(null=True)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="DecisionChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False,
                                           verbose_name="ID")),
                ("from_decision", models.CharField(max_length=8)),
                ("to_decision", models.CharField(max_length=8)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("from_segment", models.ForeignKey(
                    db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT,
                    related_name="+", to="creatives.segment")),
                ("to_segment", models.ForeignKey(
                    db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT,
                    related_name="+", to="creatives.segment")),
                ("prediction", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE,
                                                 related_name="changes",
                                                 to="creatives.prediction")),
                ("settings", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT,
                                               related_name="+",
                                               to="creatives.decisionsettings")),
            ],
            options={"ordering": ["-pk"], "default_permissions": ()},
        ),
        migrations.AddField(
            model_name="prediction",
            name="threshold",
            field=models.FloatField(null=True, verbose_name="threshold"),
        ),
        migrations.AddField(
            model_name="prediction",
            name="parameters",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT,
                related_name="+", to="creatives.decisionparameters", verbose_name="parameters"),
        ),
        # The names become those of properties, which read these columns for old predictions.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField("prediction", "probabilities", "former_probabilities"),
                migrations.RenameField("prediction", "channels", "former_channels"),
                migrations.AlterField(
                    "prediction",
                    "former_probabilities",
                    models.JSONField(db_column="probabilities", default=dict),
                ),
                migrations.AlterField(
                    "prediction",
                    "former_channels",
                    models.JSONField(db_column="channels", default=list),
                ),
            ]
        ),
    ]  # fmt: skip
