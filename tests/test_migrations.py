"""Migrations since 0.2.0 only expand: a release runs on the tables of the next one.

During an upgrade, processes of both releases work on one database. So a new column is nullable or
has a ``db_default``, and a column that the previous release reads is removed one release later;
``CONTRACTED`` names the migrations that may do so.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

# The last migrations of 0.2.0, the first release to upgrade from.
BASE = {
    "accounts": "0003",
    "api": "0001",
    "creatives": "0008",
    "jobs": "0004",
    "spend": "0005",
    "tables": "0001",
    "webhooks": "0001",
}
# "app.0005_name" → the first release that no longer reads what the migration removes.
CONTRACTED: dict[str, str] = {}
SHRINKING = (
    migrations.RemoveField,
    migrations.RenameField,
    migrations.DeleteModel,
    migrations.RenameModel,
    migrations.AlterModelTable,
)


def reason_it_shrinks(operation: Any) -> str:
    """Return why the previous release would fail after this operation; "" if it would not."""
    if isinstance(operation, SHRINKING):
        return f"{type(operation).__name__}: the release before reads it"
    if isinstance(operation, migrations.AddField):
        field = operation.field
        if not (field.null or field.has_db_default() or field.many_to_many):
            return f"{operation.model_name}.{operation.name}: no db_default"
    return ""


def test_migrations_since_the_base_only_expand() -> None:
    found = []
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if name[:4] <= BASE.get(app, "9999") or f"{app}.{name}" in CONTRACTED:
            continue
        found += [
            f"{app}.{name}: {why}"
            for each in migration.operations
            if (why := reason_it_shrinks(each))
        ]
    assert found == []


def test_the_base_names_every_app_that_has_tables() -> None:
    loader = MigrationLoader(None)
    apps_with_migrations = {key for key, module in (
        (app, loader.disk_migrations[app, name].__module__) for app, name in loader.disk_migrations
    ) if module.startswith("creativefilter.")}  # fmt: skip
    assert apps_with_migrations == set(BASE)


@pytest.mark.parametrize(
    ("operation", "right"),
    [
        (migrations.AddField("job", "size", models.IntegerField(default=0)), False),
        (migrations.AddField("job", "size", models.IntegerField(db_default=0)), True),
        (migrations.AddField("job", "size", models.IntegerField(null=True)), True),
        (migrations.RemoveField("job", "stage"), False),
        (migrations.RenameField("job", "stage", "step"), False),
        (migrations.DeleteModel("job"), False),
        (migrations.CreateModel("thing", []), True),
    ],
)
def test_shrinking_operations_are_recognised(operation: Any, right: bool) -> None:
    assert bool(reason_it_shrinks(operation)) != right
