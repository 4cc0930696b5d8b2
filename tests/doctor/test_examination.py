"""Running of checks and repairs, independent of what they check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import translation

from creativefilter.creatives.models import Creative
from creativefilter.doctor import examination
from creativefilter.embedded.broker import Broker
from creativefilter.site import doctor, probes
from creativefilter.site.doctor import SHOWN, Check, Finding, Problem
from creativefilter.site.unavailable import Unavailable
from tests.conftest import ROOT
from tests.doctor.examining import codes
from tests.doctor.examining import doctor as command

WRONG = Problem("wrong", "Wrong: %(count)d of %(kind)s.", "Mend %(kind)s.", repairable=True)
ODD = Problem("odd", "Odd.", "Look.")


@pytest.fixture(autouse=True)
def problems_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_problems", {**doctor._problems, "wrong": WRONG, "odd": ODD})


def raising(error: BaseException) -> Check:
    def look() -> Iterator[Finding]:
        yield ODD.found()
        raise error

    return Check("database", (ODD,), look)


def test_a_check_that_raises_does_not_hide_findings_of_others() -> None:
    fine = Check("broker", (ODD,), lambda: [ODD.found()])
    with translation.override("en"):
        found = examination.examine([raising(KeyError("surprise\nin two lines")), fine])
        assert [finding.code for finding in found] == ["not_looked_at", "odd"]
        assert found[0].sentence.startswith("This could not be checked: database. KeyError")
        [away] = examination.examine([raising(OperationalError("connection refused"))])
        assert "The database can't be reached: connection refused" in away.sentence


def test_the_soft_time_limit_passes_through() -> None:
    with pytest.raises(SoftTimeLimitExceeded):
        examination.examine([raising(SoftTimeLimitExceeded())])


def test_a_vital_finding_stops_the_examination() -> None:
    started: list[str] = []
    vital = Check("database", (ODD,), lambda: [ODD.found()], vital=True)
    after = Check("broker", (ODD,), lambda: [ODD.found()])
    found = examination.examine([vital, after], lambda check: started.append(check.name))
    assert (len(found), started) == (1, ["database"])


def test_vital_checks_come_first_and_quick_ones_next() -> None:
    kinds = [(check.vital, check.quick) for check in doctor.registered()]
    assert kinds == sorted(kinds, reverse=True)
    assert [check.name for check in doctor.registered()][:2] == ["database", "migrations"]
    assert all(check.quick for check in doctor.registered(quick=True))


def test_only_repairable_findings_are_repaired_and_the_rest_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left, repaired_checks = [3], []

    def repair() -> None:
        repaired_checks.append("first")
        left.clear()

    checks = {
        "first": Check(
            "first", (WRONG,), lambda: [WRONG.found(left, kind="it")] * len(left), repair
        ),
        "second": Check(
            "second", (ODD,), lambda: [ODD.found()], lambda: repaired_checks.append("second")
        ),
    }
    monkeypatch.setattr(doctor, "_checks", checks)
    assert [finding.code for finding in examination.report().found] == ["wrong", "odd"]
    assert repaired_checks == []
    report = examination.report(fix=True)
    assert [finding.sentence for finding in report.repaired] == ["Wrong: 1 of it."]
    assert [finding.code for finding in report.found] == ["odd"]
    assert repaired_checks == ["first"]


def test_a_finding_lists_some_names_and_counts_all() -> None:
    finding = WRONG.found(range(50), kind="them")
    assert (finding.count, len(finding.things), finding.unnamed) == (50, SHOWN, 50 - SHOWN)
    assert (finding.sentence, finding.remedy) == ("Wrong: 50 of them.", "Mend them.")
    assert doctor.of_json([finding.as_json()]) == [finding]
    assert WRONG.found(count=7, kind="x").unnamed == 0


def test_every_finding_is_documented() -> None:
    text = (ROOT / "docs" / "operating.md").read_text("utf-8")
    section = text.partition("\n## Doctor\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    documented = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    assert documented == set(doctor._problems) - {"wrong", "odd"}


# Through the command


@pytest.mark.django_db
def test_missing_migrations_are_the_only_finding(installation: Any) -> None:
    MigrationRecorder.Migration.objects.filter(app="spend", name__startswith="0006").delete()
    output = command()
    assert "Missing migrations: 1." in output
    assert "spend.0006" in output
    assert codes() == ["migrations_missing"]


@pytest.mark.django_db(transaction=True)
def test_an_unreachable_database_is_the_only_finding(
    installation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.close()
    name, nowhere = ("NAME", "/proc/nowhere/db") if connection.vendor == "sqlite" else ("PORT", "1")
    monkeypatch.setitem(connection.settings_dict, name, nowhere)
    output = command()
    assert output.startswith("The database does not answer.")
    assert "Nothing else could be checked." in output
    assert codes() == ["database_away"]


@pytest.mark.django_db
def test_an_unreachable_broker_is_found_without_showing_its_password(
    installation: Any, settings: Any, broker: Broker
) -> None:
    settings.CELERY_BROKER_URL = broker.url
    assert codes() == []
    settings.CELERY_BROKER_URL = "redis://:secret-word@127.0.0.1:2/0"
    assert codes() == ["broker_away"]
    assert "secret-word" not in command()


@pytest.mark.django_db
def test_an_unreachable_bucket_is_found_with_the_technical_reason(
    installation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise Unavailable("storage_away", "EndpointConnectionError: http://minio:9000")

    monkeypatch.setattr(probes, "storage", away)
    assert "EndpointConnectionError: http://minio:9000" in command()


@pytest.mark.django_db
def test_the_command_lists_some_names_and_counts_all(installation: Any) -> None:
    Creative.objects.bulk_create(Creative(name=f"creative {n}") for n in range(SHOWN + 5))
    output = command()
    assert f"analysed that have no job: {SHOWN + 5}." in output
    assert output.count("    creative ") == SHOWN
    assert "    and 5 more\n" in output
