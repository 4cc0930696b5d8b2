"""What Tesseract wrote becomes what was on the screen: roubles, look-alikes, specks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from classifier.screen.tesseract import Word

# Half of what is read of specks and textures lies below, nearly all real lines above.
LEAST_CONFIDENCE = 0.5
_LEAST_OF_TWO_LETTERS = 0.8
_UNSURE = 0.3
_BLIND = 0.1

_NUMBER = re.compile(r"\d+(?:[.,]\d{1,2})?")
_ROUBLE = re.compile(r"[РPр₽®?]\.?|2\?")
# "₽" is not in the Russian data. A lone 2 after a number can't be the next group of thousands.
_ROUBLE_DIGIT = "2"
_GLUED_ROUBLE = re.compile(r"(\d+(?:[.,]\d{1,2})?)(?:[РPр₽®?]\.?|(?<=[.,]\d\d)2\??)")

_LOOK_ALIKE = str.maketrans("ABCEHKMOPTXYaceopxy", "АВСЕНКМОРТХУасеорху")
# Names in capitals and words of two letters; "App" and "Pro" are Latin indeed.
_ONLY_LOOK_ALIKES = re.compile(
    r"\W*(?:(?:JI|[ABCEHKMOPTXY]){2,}|[ABCEHKMOPTXY][aceopxy])[\W\d]*",
)
_ZEROS_OF_A_COMPANY = re.compile(r"\b000(?= «)")

_EDGES = " '’`|\\_~^*=<>„“”\"{}[]"
_MEANINGFUL_SIGNS = frozenset({"₽", "%", "№", "—", "–", "-", "&", "+"})
_ODD = re.compile(r"\w[|\\/{}$@<>=~^*_!?\[\]]+\w|[А-яЁё][A-Za-z]|[A-Za-z][А-яЁё]")
_SHORT_WORDS = frozenset("авикосуя")
_TELLING = re.compile(r"[^\W\d_]{2}|\d")
_TWO_LETTERS = re.compile(r"\W*[^\W\d_]{2}\W*")


def clean_line(words: Sequence[Word]) -> tuple[str, float] | None:
    """The text of a line and its confidence (0 to 1), or ``None`` if it says nothing.

    Prices end in "₽" however the sign was read; words that consist of Latin look-alikes only
    become Cyrillic; lone letters that are no Russian word, and pieces that mix scripts or signs
    and were read with little confidence, are dropped.
    """
    kept: list[Word] = []
    for word in _with_roubles(words):
        tidy = Word(_as_cyrillic(word.text.strip(_EDGES)), word.confidence)
        if not _is_speck(tidy, after=kept[-1].text if kept else ""):
            kept.append(tidy)
    text = _ZEROS_OF_A_COMPANY.sub("ООО", " ".join(word.text for word in kept).strip("—–-& "))
    confidence = _mean_confidence(kept)
    least = _LEAST_OF_TWO_LETTERS if _TWO_LETTERS.fullmatch(text) else LEAST_CONFIDENCE
    if confidence < least or not _TELLING.search(text):
        return None
    return text, confidence


def _mean_confidence(words: Iterable[Word]) -> float:
    pairs = [(len(word.text), word.confidence) for word in words]
    letters = sum(length for length, _ in pairs)
    return sum(length * sure for length, sure in pairs) / letters if letters else 0.0


def _with_roubles(words: Sequence[Word]) -> list[Word]:
    found: list[Word] = []
    for word, following in zip(words, (*words[1:], Word("", 0.0)), strict=False):
        after_number = bool(found) and _NUMBER.fullmatch(found[-1].text) is not None
        glued = _GLUED_ROUBLE.fullmatch(word.text)
        if after_number and _is_rouble(word.text, following.text):
            # The number before it vouches for the sign.
            found.append(Word("₽", max(word.confidence, found[-1].confidence)))
        elif glued:
            found += [Word(glued[1], word.confidence), Word("₽", word.confidence)]
        else:
            found.append(word)
    return found


def _is_rouble(text: str, following: str) -> bool:
    lone_digit = text == _ROUBLE_DIGIT and not following[:1].isdigit()
    return lone_digit or _ROUBLE.fullmatch(text) is not None


def _as_cyrillic(text: str) -> str:
    if text in ("3a", "3A"):
        return "за"
    if not _ONLY_LOOK_ALIKES.fullmatch(text):
        return text
    return text.replace("JI", "Л").translate(_LOOK_ALIKE)


def _is_speck(word: Word, after: str) -> bool:
    """Whether a word is dirt; a lone letter after a number is a unit ("1 л")."""
    text = word.text
    if text in _MEANINGFUL_SIGNS:
        return False
    letters = "".join(sign for sign in text if sign.isalnum())
    if not letters:
        return True
    if len(letters) == 1 and letters.isalpha():
        return letters.lower() not in _SHORT_WORDS and not after[-1:].isdigit()
    if word.confidence < _BLIND and len(letters) < 4:
        return True
    return word.confidence < _UNSURE and _ODD.search(text) is not None
