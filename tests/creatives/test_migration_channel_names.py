"""The migration of channel names renames old rows; its reversal restores the former names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

BEFORE = [("creatives", "0005_families"), ("jobs", "0002_timings_and_quota")]
AFTER = [("creatives", "0006_channel_names")]
FORMER = ("decoding", "transcribing", "reading", "seeing", "classifying")
TODAY = ("decoding", "speech", "screen", "pictures", "classifying")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def migrated() -> Any:
    """Function that migrates to the given targets and returns the app registry of that state.

    After the test, all migrations are applied again.
    """

    def to(targets: list[tuple[str, str]]) -> Any:
        executor = MigrationExecutor(connection)
        executor.migrate(targets)
        return MigrationExecutor(connection).loader.project_state(targets + BEFORE[1:]).apps

    yield to
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def rows(apps: Any) -> dict[str, Any]:
    creatives = apps.get_model("creatives", "Creative").objects
    predictions = apps.get_model("creatives", "Prediction").objects
    jobs = apps.get_model("jobs", "Job").objects.filter(kind="analyse").order_by("created_at")
    return {
        "states": sorted(creatives.values_list("state", flat=True)),
        "stages": [job.stage for job in jobs],
        "timings": [[one["stage"] for one in job.timings] for job in jobs],
        "results": [job.result and [one["name"] for one in job.result["channels"]] for job in jobs],
        "published": [job.published_at is not None for job in jobs],
        "channels": [[one["name"] for one in row.channels] for row in predictions.order_by("pk")],
    }


def old_rows(apps: Any) -> None:
    creatives = apps.get_model("creatives", "Creative").objects
    jobs = apps.get_model("jobs", "Job").objects
    version = apps.get_model("creatives", "ModelVersion").objects.create(
        name="v", digest="d", folder="f"
    )
    for place, stage in enumerate(FORMER):
        creative = creatives.create(name=stage, state=stage)
        media = apps.get_model("creatives", "MediaVersion").objects.create(
            creative=creative, original_name=stage, sha256=stage, size=1
        )
        for channels in (["video", "speech"], ["screen"], []):
            apps.get_model("creatives", "Prediction").objects.create(
                creative=creative, media=media, model_version=version,
                channels=[{"name": name, "probabilities": {"1": 1.0}} for name in channels],
            )  # fmt: skip
        jobs.create(
            kind="analyse", stage=stage, state="queued" if place % 2 else "running",
            published_at=timezone.now(), timings=[{"stage": name} for name in FORMER[:place]],
            result={"channels": [{"name": "video"}]} if place == 4 else None,
        )  # fmt: skip
    # A job of another kind keeps its stages.
    jobs.create(kind="import", stage="reading", timings=[{"stage": "reading"}])


def test_old_rows_are_renamed_and_the_reversal_restores_them(
    migrated: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        import_module("creativefilter.creatives.migrations.0006_channel_names"), "BATCH", 4
    )
    apps = migrated(BEFORE)
    old_rows(apps)
    before = rows(apps)
    apps = migrated(AFTER)
    after = rows(apps)
    assert after == {
        "states": sorted(TODAY),
        "stages": list(TODAY),
        "timings": [list(TODAY[:place]) for place in range(5)],
        "results": [None, None, None, None, ["pictures"]],
        # Jobs queued at a renamed stage count as not published, so the sweep sends them again.
        "published": [True, False, True, False, True],
        "channels": [["pictures", "speech"], ["screen"], []] * 5,
    }
    other = apps.get_model("jobs", "Job").objects.get(kind="import")
    assert (other.stage, other.timings) == ("reading", [{"stage": "reading"}])
    again = rows(migrated(BEFORE))
    assert again == before | {"published": after["published"]}
