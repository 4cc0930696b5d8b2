"""Normalisation of Advertisement IDs."""

from __future__ import annotations

import random

import pytest

from creativefilter.creatives import ids


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ("4297908", ""), (" 4297908\t", ""), ("0004297908", "zeros"), ("'4297908", "quotes"),
        ("’4297908", "quotes"), ('="4297908"', "quotes"), ("4297908.0", "fraction"),
        ("4297908,00", "fraction"), ("№ 4297908", "prefix"), ("ID 4297908", "prefix"),
        ("id:4297908", "prefix"), ("ИД-4297908", "prefix"), ("4297908.mp4", "suffix"),
        ("4297908 (1).AVI", "suffix"), ("4 297 908", "spaces"), ("4\u00a0297\u202f908", "spaces"),
        ("\ufeff4297908", "invisible"), ("4297\u200b908", "invisible"),
        ("４２９７９０８", "letters"),
        ("4.297908E+06", "exponent"), ("4,2979080E6", "exponent"), ("42979О8", "letters"),
    ],
)  # fmt: skip
def test_spellings_of_a_number_are_normalised(given: str, change: str) -> None:
    read = ids.read(given)
    assert (read.id, read.given) == ("4297908", given)
    assert read.changes == ((change,) if change else ())


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("429790З", "4297903"), ("0", "0"), ("000", "0"), ("AD-7", "AD-7"), ("АD-7", "AD-7"),
        ("ролик-7", "ролик-7"), ("pолик-7", "ролик-7"), ("АВ7", "AB7"), ("100A", "100A"),
        ("нет такого", "нет такого"), ("12.5", "12.5"), ("id", "id"), ("ID Озон", "ID Озон"),
        ("e\u0301", "é"), ("й7", "й7"), ("Q7Ж", "Q7Ж"), ("clip.mp4", "clip.mp4"),
    ],
)  # fmt: skip
def test_other_ids_keep_their_letters(given: str, name: str) -> None:
    assert ids.normal(given) == name


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("", "id_blank"), (" \u00a0", "id_blank"), ("\u200b", "id_blank"), ("#N/A", "id_blank"),
        ("#Н/Д", "id_blank"), ("1.23E+07", "id_shortened"), ("1,23457E+11", "id_shortened"),
        ("1E3", "id_shortened"), ("1e999999999", "id_shortened"),
        (1.234567890123457e18, "id_shortened"),
        (0.5, "id_shortened"), ("1" * 65, "id_invalid"), ("a\x00b", "id_invalid"),
        ("\ud800", "id_invalid"),
    ],
)  # fmt: skip
def test_an_invalid_id_is_refused_with_its_code(given: str | float, code: str) -> None:
    with pytest.raises(ids.IdError) as refused:
        ids.read(given)
    assert refused.value.code == code
    assert "%" not in str(refused.value)
    str(refused.value).encode()


def test_a_normalised_id_is_unchanged() -> None:
    chance = random.Random(1)
    signs = "0123456789 .,'№IDОЗабАВ-+eE\u00a0\ufeff()mp4#"
    for _number in range(5_000):
        try:
            name = ids.normal("".join(chance.choices(signs, k=chance.randrange(1, 12))))
        except ids.IdError:
            continue
        assert ids.read(name) == ids.AdvertisementId(name, name), name


def test_changed_ids_are_reported() -> None:
    changed = ids.Changed()
    for given in ("007", "8", "007", "№ 9"):
        changed.note(ids.read(given))
    [finding] = changed.findings()
    assert finding.params == {"count": 2, "examples": "007 → 7, № 9 → 9"}
    assert ids.Changed().findings() == []
