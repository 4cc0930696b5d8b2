"""Normalisation of Advertisement IDs from file names, tables, the API and searches.

Most IDs are numbers, which are written in many ways: "0004297908", "'4297908", "4297908.0",
"№ 4297908", "4 297 908", "4297908.mp4". Other IDs ("AD-7") keep their letters; letters that look
the same in Latin and Cyrillic are written in one alphabet.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from creativefilter.sheets.errors import Finding

MAX_LENGTH = 64
# Changed IDs that a finding lists.
EXAMPLES = 5

SENTENCES: dict[str, str | Promise] = {
    "id_blank": _("the Advertisement ID is blank."),
    "id_shortened": _("a spreadsheet program has shortened the Advertisement ID: %s."),
    "id_invalid": _("this is not an Advertisement ID: %s."),
}

# Error values of spreadsheet formulas, in English and Russian.
_FAILED = {
    "#N/A", "#Н/Д", "#REF!", "#ССЫЛКА!", "#VALUE!", "#ЗНАЧ!", "#DIV/0!", "#ДЕЛ/0!", "#NAME?",
    "#ИМЯ?", "#NULL!", "#ПУСТО!", "#NUM!", "#ЧИСЛО!",
}  # fmt: skip
_QUOTED = re.compile(r"^=?([\"'«“‘`’]+)(.+?)[\"'»”’`]*$")
# "№ 4297908", "ID: 4297908", "ИД-4297908", "#4297908".
_PREFIX = re.compile(r"^(?:№|#|n[o°º]\.?|id|ид|ad\s?id)[\s:.№#=-]*(?=[OoОоЗз]*\d)", re.IGNORECASE)
# "4297908.avi", and the "4297908 (1).AVI" that a browser makes of a second download.
_SUFFIX = re.compile(r"^([0-9\s]*[0-9])(?:\s?\([0-9]{1,3}\))?(?:\.[A-Za-z][A-Za-z0-9]{1,4})?$")
# "4 297 908", with spaces of any kind.
_GROUPED = re.compile(r"[0-9]{1,3}(?:\s[0-9]{3})+")
_FRACTION = re.compile(r"([0-9]+)[.,]0*")
_EXPONENT = re.compile(r"([0-9]+)(?:[.,]([0-9]+))?[eEеЕ]\+?([0-9]+)")
# Letters that replace digits which look the same, in texts that are mostly digits.
_DIGITS = str.maketrans("OoОоЗзlIІі|", "00003311111")
_MOSTLY_DIGITS = re.compile(r"[\dOoОоЗзlIІі|]+")
_CYRILLIC, _LATIN = "АВЕКМНОРСТУХІаеорсухі", "ABEKMHOPCTYXIaeopcyxi"
_TO_LATIN, _TO_CYRILLIC = str.maketrans(_CYRILLIC, _LATIN), str.maketrans(_LATIN, _CYRILLIC)


class IdError(ValueError):
    """A text is not an Advertisement ID; the message is for the user who entered it."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(code)
        self.code, self.text = code, text

    def __str__(self) -> str:
        sentence = str(SENTENCES[self.code])
        return sentence % shown(self.text) if "%s" in sentence else sentence


@dataclass(frozen=True, slots=True)
class AdvertisementId:
    """A normalised ID, the text ``given``, and the names of the ``changes`` made to it."""

    id: str
    given: str
    changes: tuple[str, ...] = ()


def normal(text: str | float) -> str:
    """Return the normalised ID of a text.

    Raises:
        IdError: the text is not an Advertisement ID.
    """
    return read(text).id


def check_digits(cell: str | float) -> None:
    """Check that a spreadsheet program has not dropped digits of an ID.

    Raises:
        IdError: with the code ``id_shortened``; other errors are ignored.
    """
    try:
        read(cell)
    except IdError as error:
        if error.code == "id_shortened":
            raise


def normal_or_given(text: str) -> str:
    """Return the normalised ID of a text, or the stripped text if it is not an ID (for search)."""
    try:
        return normal(text)
    except IdError:
        return text.strip()


def read(given: str | float) -> AdvertisementId:
    """Normalise the ID in a text or a cell of a table, and name the changes made.

    Raises:
        IdError: the text is not an ID, or a spreadsheet program has dropped digits of it. Every
            ``given`` that is not a text counts as such.
    """
    if not isinstance(given, str):
        # The reader of tables gives a whole number as text unless digits were lost.
        raise IdError("id_shortened", f"{given:.15g}")
    if given.isascii() and given.isdecimal() and given[0] != "0" and len(given) <= MAX_LENGTH:
        return AdvertisementId(given, given)
    return _Reading(given).result()


class _Reading:
    """Normalisation of one text, step by step."""

    def __init__(self, given: str) -> None:
        self.given = given
        self.text = given
        self.changes: list[str] = []

    def result(self) -> AdvertisementId:
        self._become(unicodedata.normalize("NFC", self.text), "form")
        visible = "".join(sign for sign in self.text if unicodedata.category(sign) != "Cf")
        self._become(visible, "invisible")
        self.text = self.text.strip()
        if not self.text or self.text.upper() in _FAILED:
            raise IdError("id_blank", self.given)
        while quoted := _QUOTED.fullmatch(self.text):
            self._become(quoted[2].strip(), "quotes")
        before = ""
        while before != self.text:
            before = self.text
            self._become(_PREFIX.sub("", self.text), "prefix")
            self._look_alike_digits()
            self._number()
            if not self.text.isascii() or not self.text.isdecimal():
                self._one_alphabet()
        return AdvertisementId(self._checked(), self.given, tuple(dict.fromkeys(self.changes)))

    def _become(self, text: str, change: str) -> None:
        if text != self.text:
            self.text = text
            self.changes.append(change)

    def _look_alike_digits(self) -> None:
        """Replace letters by digits in a number such as "429790З"."""
        digits = sum(sign.isdecimal() for sign in self.text)
        if _MOSTLY_DIGITS.fullmatch(self.text) and 2 * digits > len(self.text):
            plain = "".join(str(int(s)) if s.isdecimal() else s for s in self.text)
            self._become(plain.translate(_DIGITS), "letters")

    def _number(self) -> None:
        if exponent := _EXPONENT.fullmatch(self.text):
            self._become(self._whole(*exponent.groups()), "exponent")
        if named := _SUFFIX.fullmatch(self.text):
            self._become(named[1], "suffix")
        if _GROUPED.fullmatch(self.text):
            self._become(re.sub(r"\s", "", self.text), "spaces")
        if whole := _FRACTION.fullmatch(self.text):
            self._become(whole[1], "fraction")
        if self.text.isascii() and self.text.isdecimal():
            self._become(self.text.lstrip("0") or "0", "zeros")

    def _whole(self, whole: str, part: str | None, exponent: str) -> str:
        """Return the digits of a number with an exponent, if none is missing."""
        part, places = part or "", int(exponent) if len(exponent) < 4 else MAX_LENGTH
        if len(part) < places or part[places:].strip("0"):
            raise IdError("id_shortened", self.given)
        return whole + part[:places]

    def _one_alphabet(self) -> None:
        """Write lookalike letters in the alphabet of the others; in Latin without others."""
        latin, cyrillic = self.text.translate(_TO_LATIN), self.text.translate(_TO_CYRILLIC)
        if not _has(latin, "CYRILLIC"):
            self._become(latin, "alphabet")
        elif not _has(cyrillic, "LATIN"):
            self._become(cyrillic, "alphabet")

    def _checked(self) -> str:
        if not self.text:
            raise IdError("id_blank", self.given)
        if len(self.text) > MAX_LENGTH or any(
            unicodedata.category(sign)[0] == "C" for sign in self.text
        ):
            raise IdError("id_invalid", self.text)
        return self.text


def _has(text: str, alphabet: str) -> bool:
    return any(unicodedata.name(sign, "").startswith(alphabet) for sign in text)


def shown(text: str) -> str:
    """Return at most 40 characters of a text, without control characters."""
    return "".join(c if unicodedata.category(c)[0] != "C" else "\ufffd" for c in text)[:40]


@dataclass(slots=True)
class Changed:
    """The IDs that a table spells differently from their normalised form."""

    _given: dict[str, str] = field(default_factory=dict)

    def note(self, read: AdvertisementId) -> str:
        """Remember an ID if it was changed; return its normalised form."""
        if read.changes:
            self._given[read.given] = read.id
        return read.id

    def findings(self) -> list[Finding]:
        if not self._given:
            return []
        some = list(self._given.items())[:EXAMPLES]
        examples = ", ".join(f"{shown(given)} → {name}" for given, name in some)
        return [Finding("found_ids_changed", {"count": len(self._given), "examples": examples})]


def by_normal(stored: Iterable[str]) -> dict[str, list[str]]:
    """Group stored IDs by their normalised form."""
    found: dict[str, list[str]] = {}
    for name in stored:
        found.setdefault(normal_or_given(name), []).append(name)
    return found


def renamings(stored: Iterable[str]) -> dict[str, str]:
    """Map stored IDs to their normalised form, if it differs and no other stored ID shares it."""
    return {
        names[0]: name
        for name, names in by_normal(stored).items()
        if len(names) == 1 and names[0] != name
    }
