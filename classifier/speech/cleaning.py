"""Removal of Whisper's hallucinations from transcripts: what is left was spoken.

Where there is no speech, Whisper writes what it learned from subtitles of silent passages: credits
of subtitle authors, captions in capital letters, endless repetitions. Only these pieces are
removed, never the whole creative. Whether usable speech is left is decided afterwards.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

MIN_WORDS = 3
MIN_REPEATS = 4
MIN_NUMBER_REPEATS = 8  # more: telephone numbers and prices contain repeated numbers
MAX_PHRASE_WORDS = 12
LOOP_COMPRESSION = 2.9
MIN_LOOP_BYTES = 60

# Whisper's rule for a segment without speech (Radford et al. 2022, section 4.5).
SILENT_PROBABILITY = 0.6
SILENT_LOGPROB = -1.0


@dataclass(frozen=True, slots=True)
class Speech:
    """The ``text`` without hallucinations, whether it is usable, and the removed pieces."""

    text: str
    spoken: bool
    removed: tuple[str, ...]


class ScoredText(Protocol):
    """The fields of an utterance that cleaning reads."""

    @property
    def text(self) -> str: ...

    @property
    def avg_logprob(self) -> float: ...

    @property
    def no_speech_prob(self) -> float: ...


def assess_transcript(utterances: Iterable[ScoredText]) -> Speech:
    """Return the speech in the utterances of one transcript, given in their order.

    An utterance is removed as a whole if Whisper took it for silence (``no_speech_prob`` > 0.6) and
    was unsure of its text (``avg_logprob`` < -1).
    """
    audible: list[str] = []
    silent: list[str] = []
    for utterance in utterances:
        unsure = utterance.avg_logprob < SILENT_LOGPROB
        texts = silent if unsure and utterance.no_speech_prob > SILENT_PROBABILITY else audible
        texts.append(utterance.text.strip())
    speech = assess_speech(" ".join(audible))
    return Speech(speech.text, speech.spoken, (*silent, *speech.removed))


def assess_speech(text: str) -> Speech:
    """Return the speech in the text of one transcript.

    ``Speech.text`` is ``text`` without hallucinations and with single spaces. A phrase that is
    repeated at least four times in a row (eight for numbers) is kept once. The text is usable
    (``spoken``) if it has at least three words, or if it contains a price or a known brand.
    Cleaning is idempotent.
    """
    removed: list[str] = []
    before = None
    while text != before:
        before = text
        for clean in (_strip_credits, _strip_sounds, _strip_repeats, _strip_captions):
            text = clean(text, removed)
    if _is_loop(text):
        removed.append(text)
        text = ""
    return Speech(text, _is_usable(text), tuple(removed))


_NAME = r"(?:[А-ЯЁA-Z]\.\s?)?[А-ЯЁA-Z][\w-]+"
_CREDITS = re.compile(
    rf"""
    \b(?:
      (?:[Рр]едактор|[Аа]втор|[Пп]еревод)\s+(?:и\s+)?субтитров(?:\s+{_NAME})?
    | [Кк]орректор(?:\s+субтитров)?\s+[А-ЯЁ]\.\s?[А-ЯЁ]\w+
    | [Сс]убтитр\w*\s+(?:и\s+перевод\s+)?
      (?:сделал|создавал|создал|подогнал|добавил|делал|подготовил|предоставил)\w*(?:\s+{_NAME})?
    | [Сс]убтитр\w*(?:\s+(?:и\s+)?субтитр\w*)+(?:\s+(?:в|суб|{_NAME})\b(?!\.\w))*
    | [Сс]убтитр(?:ы|ов)\s+(?:в\b|{_NAME})(?=\W*(?:$|[А-ЯЁ]))
    | [Сс]убтитры(?=\W*$)
    | [Пп]родолжение\s+следует(?=\W*$)
    | [Сс]пасибо\s+за\s+(?:просмотр|субтитры(?:\s+\w+){{0,2}})(?=\W*$)
    | (?:DimaTorzok|Amara\.org)
    )[.!…,]*""",
    re.VERBOSE,
)

_CAPTION_WORD = r"""
    АПЛОДИСМЕНТЫ | ВЗДЫХАЕТ | ВЗДЫХАЮТ | ВЗДОХ | ВЗРЫВ | ВЗРЫВЫ | ВЫСТРЕЛЫ | ГУДОК | ГУДКИ |
    ДЫШИТ | ЗВОНОК | КАРКАНЬЕ | КАШЛЯЕТ | КРИК | КРИКИ | КРИЧИТ | КРИЧАТ | ЛАЙ | ЛАЕТ | МУЗЫКА
    | МЯУКАЕТ | МЯУКАНЬЕ | ОВАЦИИ | ПЕСНЯ | ПЛАЧЕТ | ПЛАЧ | ПОЕТ | ПОЁТ | ПОЮТ | РЁВ | РЖАНИЕ
    | СВИСТ | СВИСТИТ | СИГНАЛ | СМЕЕТСЯ | СМЕЁТСЯ | СМЕЮТСЯ | СМЕХ | СТОНЕТ | СТУК | ТИШИНА |
    ТРЕСК | ХИХИКАЕТ | ХОХОТ | ХРАП | ЧИХАЕТ | ШЁПОТ | ШЕПЧЕТ | ШУМ | ЩЕБЕТ
"""
# Case sensitive: in lower case, real spots about music contain "СПОКОЙНАЯ МУЗЫКА" or "ШУМ МОТОРА".
_CAPTIONS = re.compile(
    rf"""
    (?<![\w-])(?:
      (?:(?:[А-ЯЁ]{{4,}}(?:АЯ|ЯЯ|ЫЙ|ИЙ|ОЕ|ЕЕ|ЫЕ|ИЕ)\s+)+)?(?:{_CAPTION_WORD})
    | МУЗЫКАЛЬНАЯ\s+ЗАСТАВКА
    | (?:ШУМ|СТУК|РЁВ|КРИКИ)\s+[А-ЯЁ]+(?:А|Я|Ы|И|ЕЙ|ОВ)
    | (?:ГОВОР[ИЯ]Т|ПО[ЕЁЮ]Т)\s+(?:ПО-[А-ЯЁ]+|НА\s+[А-ЯЁ]+(?:\s+ЯЗЫКЕ)?)
    )(?![\w-])[.!…,]*
    | \[[^\]]{{1,40}}\] | \*[^*]{{1,40}}\* | ♪+
    """,
    re.VERBOSE,
)
_BARE_CAPTION = re.compile(_CAPTION_WORD, re.VERBOSE)
_CAPITALS_BEFORE = re.compile(r"\b([А-ЯЁA-Z]{2,})[\s.+-]*$")
_CAPITALS_AFTER = re.compile(r"[\s.+-]*([А-ЯЁA-Z]{3,})\b")

_LETTER = r"[^\W\d_]"
_SOUNDS = re.compile(rf"({_LETTER}{{1,6}}?-?)\1{{5,}}(?P<tail>{_LETTER}*)", re.IGNORECASE)

_PRICE = re.compile(r"\d\s*(?:%|₽|р\b|руб|процент|коп)|\d+[.,]\d\d\b", re.IGNORECASE)

# Beginnings of the names of frequent advertisers, as they are written and as they are pronounced.
_BRANDS = re.compile(
    r"""\b(?:
    [оа]зон | burger | dns | hoff | ivi\b | kion | metro | okko | ozon | rutube | spar |
    vk\b | wildb | yandex | youtube | авито | азбук\w+\sвкуса | алис[аыеу]\b |
    альфа-?\s?банк | ашан | билайн | бристоль | бургер | вайлдб | верный\b | вк\b |
    вконтакте | вкусвилл | втб | газпромбанк | делимобиль | дзен\b | дикси | днс\b | зенит |
    золот\w+\sябл | иви\b | икеа | кинопоиск | кион | лавк[аиу]\b | лент[аыеу]\b | леруа |
    магнит | макдон | маруся | мвидео | мегамаркет | мегафон | метро\b | мтс | окко |
    перекр[её]ст | почта\sбанк | псб | пят[её]рочк | райфф | россельхоз | рутуб | салют |
    самокат | сбер | светофор | ситилинк | совкомб | спар\b | спортмастер | т-банк | теле2 |
    тинь?ков | тинь?кофф? | точк[аиу]\sбанк | уралсиб | фикс\s?прайс | халв[аыу]\b | хоум |
    циан | чижик | эльдорадо | ютуб | яндекс
    )""",
    re.VERBOSE | re.IGNORECASE,
)


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _strip_credits(text: str, removed: list[str]) -> str:
    removed.extend(match[0] for match in _CREDITS.finditer(text))
    return _tidy(_CREDITS.sub(" ", text))


def _strip_captions(text: str, removed: list[str]) -> str:
    def take(match: re.Match[str]) -> str:
        if _BARE_CAPTION.fullmatch(match[0].strip(".!…,")) and _is_part_of_name(match):
            return match[0]
        removed.append(match[0].strip())
        return " "

    return _tidy(_CAPTIONS.sub(take, text))


def _is_part_of_name(caption: re.Match[str]) -> bool:
    """Whether a bare caption word stands beside other capitals: "ЯНДЕКС МУЗЫКА", "VK МУЗЫКА"."""
    text, start, end = caption.string, caption.start(), caption.end()
    before = _CAPITALS_BEFORE.search(text[max(start - 40, 0) : start])
    after = _CAPITALS_AFTER.match(text[end : end + 40])
    return any(word and not _BARE_CAPTION.fullmatch(word[1]) for word in (before, after))


def _strip_sounds(text: str, removed: list[str]) -> str:
    """Keep one of six or more equal letters or syllables in a row: "Вауууууу" becomes "Вау".

    A word that consists of such a loop alone is removed as a whole.
    """

    def take(match: re.Match[str]) -> str:
        removed.append(match[0])
        whole = not match.start() or not text[match.start() - 1].isalpha()
        unit, tail = match[1].rstrip("-"), match["tail"]
        return " " if whole and len(tail) <= len(unit) else f"{unit} "

    return _tidy(_SOUNDS.sub(take, text))


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    end: int


def _strip_repeats(text: str, removed: list[str]) -> str:
    """Keep one copy of a phrase of up to twelve words that is repeated again and again."""
    words = [_Word(m[0].lower(), m.start(), m.end()) for m in re.finditer(r"\w+", text)]
    counts = Counter(word.text for word in words)
    pieces, written, place = [], 0, 0
    while place < len(words):
        run = _longest_run(words, place) if counts[words[place].text] >= MIN_REPEATS else None
        if run is None:
            place += 1
            continue
        phrase, last = run
        cut = words[place + phrase - 1].end
        pieces.append(text[written:cut])
        written = words[last - 1].end
        removed.append(text[cut:written].strip(" ,.!?…"))
        place = last
    return _tidy("".join([*pieces, text[written:]]))


def _longest_run(words: list[_Word], place: int) -> tuple[int, int] | None:
    """Return the phrase length of the run that begins at ``place``, and the word after the run."""
    for phrase in range(1, MAX_PHRASE_WORDS + 1):
        unit = [word.text for word in words[place : place + phrase]]
        needed = MIN_NUMBER_REPEATS if all(word.isdigit() for word in unit) else MIN_REPEATS
        if place + phrase * needed > len(words):
            if needed == MIN_REPEATS:
                return None
            continue
        end = place + phrase
        while end < len(words) and words[end].text == unit[(end - place) % phrase]:
            end += 1
        whole = (end - place) // phrase
        if whole >= needed:
            return phrase, _with_cut_word(words, unit, place, end)
    return None


def _with_cut_word(words: list[_Word], unit: list[str], place: int, end: int) -> int:
    """Return the end of a run; the last word of a text may be cut off ("… субтитры суб")."""
    expected = unit[(end - place) % len(unit)]
    cut = end == len(words) - 1 and expected.startswith(words[end].text)
    incomplete = (end - place) % len(unit)
    if cut or end == len(words):
        return len(words)
    return end - incomplete


def _is_loop(text: str) -> bool:
    """Whether the text still repeats itself, with small changes that hide the repetitions.

    Whisper's own limit of 2.4 is meant for UTF-8, where a Cyrillic letter takes two bytes, one of
    which is nearly always the same, so that healthy texts exceed it. In a one-byte encoding healthy
    texts stay below 2.3.
    """
    data = text.encode("cp1251", "replace")
    return len(data) >= MIN_LOOP_BYTES and len(data) / len(zlib.compress(data)) > LOOP_COMPRESSION


def _is_usable(text: str) -> bool:
    words = re.findall(r"\w+", text)
    if len(words) >= MIN_WORDS:
        return True
    return bool(_PRICE.search(text) or _BRANDS.search(text))
