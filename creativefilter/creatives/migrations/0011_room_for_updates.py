"""PostgreSQL: leave room in the pages of predictions, whose decisions are updated in place.

An update within the page writes no index. Without room, a change of settings that updates all
predictions made the table and its seven indexes grow by 340 bytes for each.
"""

from typing import Any

from django.db import migrations


def leave_room(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE creatives_prediction SET (fillfactor = 50)")


def fill(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE creatives_prediction RESET (fillfactor)")


class Migration(migrations.Migration):
    dependencies = [("creatives", "0010_decision_inputs")]
    operations = [migrations.RunPython(leave_room, fill, elidable=False)]
