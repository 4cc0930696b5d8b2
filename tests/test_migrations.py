"""Migrations since 0.2.0 only expand tables, so that the previous release can still use them.

During an upgrade, processes of both releases work on one database. So a new column is nullable or
has a ``db_default``, and a column that the previous release reads is removed one release later.
``REVIEWED`` names the migrations with other operations, which a person has checked.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

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
# "app.0005_name" → why the previous release still works after it.
REVIEWED: dict[str, str] = {
    "creatives.0013_ancestor": "its constraint is on a column that 0.2.0 leaves at the default",
    "creatives.0011_room_for_updates": "only how full PostgreSQL makes the pages of a table",
}
EXPANDING = (
    migrations.CreateModel,
    migrations.AddIndex,
    migrations.RemoveIndex,
    migrations.RemoveConstraint,
    migrations.AlterModelOptions,
    migrations.AlterModelManagers,
)


def reason_it_shrinks(operation: Any, app: str, state: ProjectState) -> str:
    """Return why the previous release could fail after this operation; "" if it can't.

    Args:
        operation: Operation of a migration.
        app: Label of the migration's app.
        state: Models before the migration.
    """
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        reasons = (reason_it_shrinks(one, app, state) for one in operation.database_operations)
        return next(filter(None, reasons), "")
    if isinstance(operation, migrations.AddField):
        field = operation.field
        if field.null or field.has_db_default() or field.many_to_many:
            return ""
        return f"{operation.model_name}.{operation.name}: no db_default"
    if isinstance(operation, migrations.AlterField):
        old = state.models[app, operation.model_name.lower()].fields[operation.name]
        return _reason_it_narrows(old, operation.field)
    return "" if isinstance(operation, EXPANDING) else f"{type(operation).__name__}: not reviewed"


def _reason_it_narrows(old: models.Field[Any, Any], new: models.Field[Any, Any]) -> str:
    if type(old) is not type(new):
        return "another type"
    if old.null and not new.null:
        return "no longer nullable"
    if (new.max_length or 0) < (old.max_length or 0):
        return "shorter"
    return "unique" if new.unique and not old.unique else ""


def test_migrations_since_the_base_only_expand() -> None:
    found = []
    loader = MigrationLoader(None)
    for (app, name), migration in loader.disk_migrations.items():
        if name[:4] <= BASE.get(app, "9999") or f"{app}.{name}" in REVIEWED:
            continue
        state = loader.project_state((app, name), at_end=False)
        found += [
            f"{app}.{name}: {why}"
            for each in migration.operations
            if (why := reason_it_shrinks(each, app, state))
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
        (migrations.AlterField("job", "stage", models.CharField("step", max_length=32)), True),
        (migrations.AlterField("job", "stage", models.CharField(max_length=8)), False),
        (migrations.AlterField("job", "stage", models.TextField()), False),
        (migrations.AlterField("job", "started_at", models.DateTimeField()), False),
        (
            migrations.AddConstraint("job", models.UniqueConstraint(fields=["kind"], name="x")),
            False,
        ),
        (migrations.RunSQL("SELECT 1"), False),
        (migrations.SeparateDatabaseAndState([], [migrations.DeleteModel("job")]), True),
        (migrations.SeparateDatabaseAndState([migrations.DeleteModel("job")], []), False),
    ],
)
def test_shrinking_operations_are_recognised(operation: Any, right: bool) -> None:
    state = MigrationLoader(None).project_state()
    assert bool(reason_it_shrinks(operation, "jobs", state)) != right
