"""Clients' file names: made safe to show, read for the Advertisement ID, not used as a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from creativefilter.creatives.intake.file_names import advertisement_id_of, display_name
from tests.creatives.analysing import stored_files, take_in

LEFT = chr(0x202E)  # right-to-left override: shows "gpj.exe" as "exe.jpg"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../x.wav", "x.wav"),
        ("..\\..\\Рабочий стол\\Ролик Ёж.avi", "Ролик Ёж.avi"),
        ("a\x00b.wav", "ab.wav"),
        ("line\r\nbreak\t.mp4", "linebreak.mp4"),
        (f"safe{LEFT}4pm.exe", "safe4pm.exe"),
        ("a.wav.html", "a.wav.html"),
        ("4297908 (1).AVI", "4297908 (1).AVI"),
        ("  spaces .ogg ", "spaces .ogg"),
    ],
)
def test_a_name_is_shown_without_path_and_control_characters(given: str, shown: str) -> None:
    assert display_name(given) == shown


def test_a_long_name_is_cut_but_keeps_its_extension() -> None:
    name = display_name("ж" * 300 + ".webm")
    assert len(name) == 255
    assert name.endswith("ж.webm")


@pytest.mark.parametrize("given", ["", "\x00", LEFT, "/", "."])
def test_a_display_name_is_never_empty(given: str) -> None:
    assert display_name(given).strip(". ")


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("4297908.avi", "4297908"),
        ("4297908 (1).AVI", "4297908"),
        ("4297908(12).mp4", "4297908"),
        ("0042.wav", "42"),
        ("4297908", "4297908"),
        ("4297908.wav.html", None),
        ("ролик 4297908.avi", None),
        ("4297908-2.avi", None),
        ("1" * 65 + ".avi", None),
        ("٤٢٩.avi", None),
        (".avi", None),
    ],
)
def test_the_advertisement_id_comes_from_a_name_that_is_a_number(
    name: str, number: str | None
) -> None:
    assert advertisement_id_of(name) == number


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("../../x.wav", ".wav"),
        ("a.wav.html", ".html"),
        ("РОЛИК.AVI", ".avi"),
        ("x.вав", ""),
        ("x.wav;rm", ""),
        ("a\x00b", ""),
        ("x" * 300, ""),
    ],
)
def test_the_stored_name_is_generated_and_inside_the_media_folder(
    folders: Path, name: str, suffix: str
) -> None:
    received = take_in(b"bytes", name)
    [stored] = stored_files(folders)
    assert Path(received.media.file.path) == stored
    assert stored.is_relative_to(folders / "creatives")
    assert stored.suffix == suffix
    assert len(stored.stem) == 32
    assert set(stored.stem) <= set("0123456789abcdef")
    assert received.media.original_name == received.creative.name == display_name(name)


@pytest.mark.django_db
def test_a_given_id_overrides_the_number_in_the_name(folders: Path) -> None:
    assert take_in(b"1", "4297908.avi").creative.advertisement_id == "4297908"
    named = take_in(b"2", "4297909.avi", advertisement_id=" AD-7 ").creative
    assert named.advertisement_id == "AD-7"
    assert (
        take_in(b"3", "4297910.avi", advertisement_id="  ").creative.advertisement_id == "4297910"
    )


@pytest.mark.django_db
def test_several_creatives_without_an_id_can_exist(folders: Path) -> None:
    first, second = take_in(b"1", "осень.avi").creative, take_in(b"2", "осень.avi").creative
    assert first.pk != second.pk
    assert first.advertisement_id is second.advertisement_id is None
