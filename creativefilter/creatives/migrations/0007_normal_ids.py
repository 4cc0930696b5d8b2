"""Write Advertisement IDs in their one form: "0004297908" becomes "4297908".

Where that is the ID of another row already, the row stays as it is; it is found by its own ID.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations

from creativefilter.creatives.ids import renamings


def rename(apps: Any, _editor: Any) -> None:
    creatives = apps.get_model("creatives", "Creative").objects.exclude(advertisement_id=None)
    for old, new in renamings(creatives.values_list("advertisement_id", flat=True)).items():
        creatives.filter(advertisement_id=old).update(advertisement_id=new)
    waiting = apps.get_model("creatives", "WaitingLabel").objects
    for old, new in renamings(waiting.values_list("advertisement_id", flat=True)).items():
        # A label that waits for a creative that is here would wait for ever.
        if not creatives.filter(advertisement_id=new).exists():
            waiting.filter(advertisement_id=old).update(advertisement_id=new)


class Migration(migrations.Migration):
    dependencies = [("creatives", "0006_channel_names")]
    operations = [migrations.RunPython(rename, migrations.RunPython.noop)]
