"""All clients read the same rows of a file, or refuse the file for the same reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from creativefilter import sheets
from tests.sheets.client_files import FILES, NOT_FILLED_IN
from tests.sheets.clients import ALL_OR_NONE, CLIENTS, Outcome, outcome
from tests.sheets.test_cases import folder

__all__ = ["folder"]

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def outcomes(path: Path) -> dict[str, Outcome]:
    return {name: outcome(client, path) for name, client in CLIENTS.items()}


def assert_same(found: dict[str, Outcome]) -> None:
    expected = found["spend"]
    for name, one in found.items():
        if one.bad and name in ALL_OR_NONE:
            assert (one.bad, one.ids) == (expected.bad, ()), name
            continue
        assert one.refused == expected.refused, name
        assert (sorted(one.ids), one.bad) == (sorted(expected.ids), expected.bad), name
        # These clients give no IDs, or normalised ones, so they report no changed IDs.
        without_ids = name in ("evaluate", "classify_text")
        findings = [f for f in expected.findings if not (without_ids and "ids_changed" in f)]
        assert list(one.findings) == findings, name


@pytest.mark.parametrize("kind", FILES)
def test_all_clients_agree(kind: str, tmp_path: Path) -> None:
    name, content = FILES[kind]
    (tmp_path / name).write_bytes(content)
    found = outcomes(tmp_path / name)
    assert found["spend"].ids or found["spend"].refused
    assert_same(found)


@pytest.mark.parametrize("kind", NOT_FILLED_IN)
def test_other_workbooks_are_read_by_all_clients_but_predict_table(
    kind: str, tmp_path: Path
) -> None:
    name, content = NOT_FILLED_IN[kind]
    (tmp_path / name).write_bytes(content)
    found = outcomes(tmp_path / name)
    assert found.pop("predict_table").refused == "table_kind"
    assert_same(found)
    assert len(found["spend"].ids) == 2


def test_all_clients_agree_on_files_from_offices(folder: Path) -> None:
    """Each file has the columns of one client; the other clients report missing columns."""
    differ = []
    for path in sorted(folder.iterdir()):
        found = outcomes(path)
        read = {name: one for name, one in found.items() if one.refused != "table_missing_column"}
        if path.suffix == ".ods":
            assert read.pop("predict_table").refused == "table_kind"
        reasons = {one.refused for one in read.values()}
        # A cost in thousands matters only to clients that read the cost.
        if len(reasons - {"table_unit", "table_no_rows"}) != 1:
            differ.append((path.name, {name: str(one) for name, one in found.items()}))
        findings = {
            tuple(finding for finding in one.findings if "ids_changed" not in finding)
            for name, one in read.items()
            if not one.refused and not (one.bad and name in ALL_OR_NONE)
        }
        if len(findings) > 1:
            differ.append((path.name, findings))
    assert differ == []


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Advertisement ID,Brand\n1,B\n")
    for name, column in (("labels", "Segment_num"), ("transcripts", "text"), ("spend", "Month")):
        with pytest.raises(sheets.SheetError, match=column) as refused:
            CLIENTS[name](path)
        assert column in refused.value.params["columns"]
