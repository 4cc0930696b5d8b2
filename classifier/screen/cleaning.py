"""Cleaning of what Tesseract read: rouble signs, Latin look-alikes, specks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from classifier.screen.tesseract import Word

# Half of the lines that are read from specks and textures are below this, nearly all real lines
# above it.
MIN_CONFIDENCE = 0.5
_MIN_CONFIDENCE_TWO_LETTERS = 0.8
_LOW_CONFIDENCE = 0.3
_VERY_LOW_CONFIDENCE = 0.1

_NUMBER = re.compile(r"\d+(?:[.,]\d{1,2})?")
_ROUBLE = re.compile(r"[РPр₽®?]\.?|2\?")
# "₽" is missing from Tesseract's Russian data and may be read as a 2. A lone 2 after a number can't
# be the next group of thousands.
_ROUBLE_DIGIT = "2"
_GLUED_ROUBLE = re.compile(r"(\d+(?:[.,]\d{1,2})?)(?:[РPр₽®?]\.?|(?<=[.,]\d\d)2\??)")

_LOOK_ALIKE = str.maketrans("ABCEHKMOPTXYaceopxy", "АВСЕНКМОРТХУасеорху")
# Names in capitals and words of two letters. "App" and "Pro" are really Latin.
_ONLY_LOOK_ALIKES = re.compile(
    r"\W*(?:(?:JI|[ABCEHKMOPTXY]){2,}|[ABCEHKMOPTXY][aceopxy])[\W\d]*",
)
_ZEROS_OF_A_COMPANY = re.compile(r"\b000(?= «)")

_EDGES = " '’`|\\_~^*=<>„“”\"{}[]"
_MEANINGFUL_SIGNS = frozenset({"₽", "%", "№", "—", "–", "-", "&", "+"})
_ODD = re.compile(r"\w[|\\/{}$@<>=~^*_!?\[\]]+\w|[А-яЁё][A-Za-z]|[A-Za-z][А-яЁё]")
_SHORT_WORDS = frozenset("авикосуя")
_INFORMATIVE = re.compile(r"[^\W\d_]{2}|\d")
_TWO_LETTERS = re.compile(r"\W*[^\W\d_]{2}\W*")


def clean_line(words: Sequence[Word]) -> tuple[str, float] | None:
    """Return the cleaned text of a line and its confidence (0 to 1), or None if nothing is left.

    Prices end in "₽" however the sign was read. Words in capitals or of two letters become Cyrillic
    if all their letters are Latin look-alikes. Lone letters that are no Russian word are dropped,
    and pieces that mix scripts or signs if their confidence is low.
    """
    cleaned: list[Word] = []
    for word in _with_roubles(words):
        tidy = Word(_as_cyrillic(word.text.strip(_EDGES)), word.confidence)
        if not _is_speck(tidy, after=cleaned[-1].text if cleaned else ""):
            cleaned.append(tidy)
    text = _ZEROS_OF_A_COMPANY.sub("ООО", " ".join(word.text for word in cleaned).strip("—–-& "))
    confidence = _mean_confidence(cleaned)
    minimum = _MIN_CONFIDENCE_TWO_LETTERS if _TWO_LETTERS.fullmatch(text) else MIN_CONFIDENCE
    if confidence < minimum or not _INFORMATIVE.search(text):
        return None
    return text, confidence


def _mean_confidence(words: Iterable[Word]) -> float:
    pairs = [(len(word.text), word.confidence) for word in words]
    letters = sum(length for length, _ in pairs)
    return sum(length * confidence for length, confidence in pairs) / letters if letters else 0.0


def _with_roubles(words: Sequence[Word]) -> list[Word]:
    result: list[Word] = []
    for word, next_word in zip(words, (*words[1:], Word("", 0.0)), strict=False):
        after_number = bool(result) and _NUMBER.fullmatch(result[-1].text) is not None
        glued = _GLUED_ROUBLE.fullmatch(word.text)
        if after_number and _is_rouble(word.text, next_word.text):
            # The number before the sign makes it certain.
            result.append(Word("₽", max(word.confidence, result[-1].confidence)))
        elif glued:
            result += [Word(glued[1], word.confidence), Word("₽", word.confidence)]
        else:
            result.append(word)
    return result


def _is_rouble(text: str, next_text: str) -> bool:
    lone_digit = text == _ROUBLE_DIGIT and not next_text[:1].isdigit()
    return lone_digit or _ROUBLE.fullmatch(text) is not None


def _as_cyrillic(text: str) -> str:
    if text in ("3a", "3A"):
        return "за"
    if not _ONLY_LOOK_ALIKES.fullmatch(text):
        return text
    return text.replace("JI", "Л").translate(_LOOK_ALIKE)


def _is_speck(word: Word, after: str) -> bool:
    """Whether a word is dirt on the picture; a lone letter after a number is a unit ("1 л")."""
    text = word.text
    if text in _MEANINGFUL_SIGNS:
        return False
    letters = "".join(sign for sign in text if sign.isalnum())
    if not letters:
        return True
    if len(letters) == 1 and letters.isalpha():
        return letters.lower() not in _SHORT_WORDS and not after[-1:].isdigit()
    if word.confidence < _VERY_LOW_CONFIDENCE and len(letters) < 4:
        return True
    return word.confidence < _LOW_CONFIDENCE and _ODD.search(text) is not None
