"""The generated material of the long checks."""

from __future__ import annotations

from pathlib import Path

from classifier.media import decode
from tests.long import load


def test_creatives_are_unique_and_determined_by_the_seed(
    tmp_path: Path,
) -> None:
    made = load.creatives(tmp_path / "a", 30, 3, seed=1)
    second = load.creatives(tmp_path / "b", 30, 3, seed=1)
    other = load.creatives(tmp_path / "a", 30, 3, seed=2)
    assert [path.read_bytes() for path in made] == [path.read_bytes() for path in second]
    assert len({path.read_bytes() for path in [*made, *other]}) == 60
    assert len(list((tmp_path / "a").iterdir())) == 60
    assert decode(made[0]).probe.decoded_seconds == 3


def test_a_long_creative_has_the_given_length(tmp_path: Path) -> None:
    path = load.long_creative(tmp_path / "1.wav", 599)
    assert path.stat().st_size == 44 + 599 * load.RATE * 2


def test_a_spend_table_has_the_given_number_of_rows(tmp_path: Path) -> None:
    lines = load.spend_table(tmp_path / "s.csv", 1000, seed=3).read_text("utf-8").splitlines()
    assert len(lines) == 1001
    assert len({line.split(",", 1)[0] for line in lines}) == 1001
