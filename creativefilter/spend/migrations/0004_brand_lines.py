"""Rename ``Line`` to ``BrandLine`` in Python; the database keeps its tables and columns."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


def _renamed_key(model: str) -> list[migrations.operations.base.Operation]:
    """Operations that rename the key ``line`` of a model without touching its column."""
    return [
        migrations.AlterField(
            model,
            "line",
            models.ForeignKey(
                db_column="line_id",
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="spend.brandline",
                verbose_name="advertiser, brand and media type",
            ),
        ),
        migrations.RenameField(model, "line", "brand_line"),
    ]


class Migration(migrations.Migration):
    dependencies = [("spend", "0003_waiting_labels")]

    operations = [
        migrations.AlterModelTable("line", "spend_line"),
        migrations.RenameModel("Line", "BrandLine"),
        *_renamed_key("spendrow"),
        *_renamed_key("monthlyspend"),
        *_renamed_key("spendtotal"),
    ]
