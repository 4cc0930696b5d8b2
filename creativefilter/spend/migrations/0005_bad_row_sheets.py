"""Bad rows name their sheet; Advertisement IDs are written in their one form, where it is free."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

from creativefilter.creatives.ids import renamings


def rename(apps: Any, _editor: Any) -> None:
    rows = apps.get_model("spend", "Advertisement").objects
    for old, new in renamings(rows.values_list("advertisement_id", flat=True)).items():
        rows.filter(advertisement_id=old).update(advertisement_id=new)


class Migration(migrations.Migration):

    dependencies = [
        ('spend', '0004_brand_lines'),
    ]

    operations = [
        migrations.AddField(
            model_name='badrow',
            name='sheet',
            field=models.CharField(blank=True, max_length=255, verbose_name='sheet'),
        ),
        migrations.AlterField(
            model_name='badrow',
            name='reason',
            field=models.CharField(choices=[('no_id', 'the Advertisement ID is blank'), ('bad_id', 'this is no Advertisement ID, or a spreadsheet has shortened it'), ('no_amount', 'the cost is blank'), ('not_a_number', 'the cost is not a number'), ('negative', 'the cost is negative'), ('too_much', 'the cost is too large for one row'), ('bad_year', 'there is no such year'), ('bad_month', 'there is no such month: 1 to 12'), ('bad_name', 'advertiser, brand or media type is too long or unreadable'), ('few_cells', 'the row has fewer cells than the heading'), ('many_cells', 'the row has more cells than the heading'), ('quote', 'a quotation mark is not closed, here or in a line before'), ('long_cell', 'a cell is longer than 131,072 characters'), ('encoding', 'the line is in another encoding than the file'), ('heading', 'the heading again')], max_length=16, verbose_name='reason'),
        ),
        migrations.RunPython(rename, migrations.RunPython.noop),
    ]
