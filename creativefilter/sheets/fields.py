"""The columns of this application's tables, with all the titles that offices give them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

from creativefilter.sheets.errors import SheetError


class Field(StrEnum):
    """Meaning of a column. The value is the column's title in tables of this application."""

    ADVERTISEMENT_ID = "Advertisement ID"
    ADVERTISER = "Advertiser"
    BRAND = "Brand"
    MEDIA_TYPE = "Media Type"
    COST = "Estimated cost RUB"
    YEAR = "Year"
    MONTH = "Month"
    SEGMENT_NUM = "Segment_num"
    SEGMENT = "Segment"
    TEXT = "text"
    SPLIT = "split"
    FILE = "file"


# Other titles of these columns. Letter case, blanks and punctuation don't matter.
SYNONYMS: dict[Field, tuple[str, ...]] = {
    Field.ADVERTISEMENT_ID: (
        "Ad ID", "Advert ID", "ID advertisement", "ID рекламы", "Реклама ID", "ИД рекламы",
        "Идентификатор рекламы", "Номер рекламы", "Код рекламы", "ID объявления", "ID ролика",
        "ИД ролика", "Идентификатор ролика", "Номер ролика",
    ),
    Field.ADVERTISER: ("Рекламодатель", "Advertiser name"),
    Field.BRAND: ("Бренд", "Брэнд", "Марка", "Торговая марка", "Brand name"),
    Field.MEDIA_TYPE: (
        "Media", "Медиа", "Медиатип", "Медиа тип", "Тип медиа", "Тип носителя", "Медиаканал",
    ),
    Field.COST: (
        "Estimated cost", "Cost", "Spend", "Стоимость", "Оценка стоимости", "Расчётная стоимость",
        "Расход", "Расходы", "Затраты", "Бюджет", "Сумма",
    ),
    Field.YEAR: ("Год",),
    Field.MONTH: ("Месяц",),
    Field.SEGMENT_NUM: (
        "Segment number", "Segment no", "Номер сегмента", "№ сегмента", "Код сегмента",
    ),
    Field.SEGMENT: ("Сегмент",),
    Field.TEXT: ("Текст", "Transcript", "Транскрипт", "Расшифровка", "Текст ролика"),
    Field.SPLIT: ("Выборка",),
    Field.FILE: ("File name", "Name", "Файл", "Имя файла", "Имя", "Название файла"),
}  # fmt: skip

# Characters of a title; the rest of a longer cell is ignored.
MAX_TITLE = 200
# Cyrillic letters that look like Latin ones: a title may contain either.
_TWINS = str.maketrans("авсеёкмнорстухі", "abceekmhopctyxi")
_ROUBLES = {"руб", "рублей", "рубли", "рублях", "рубля", "р", "rub", "rur", "roubles", "rubles"}
_VAT = {"ндс", "vat"}
_UNITS = {
    "тыс", "тысяч", "тысячи", "тысячах", "т", "млн", "миллионов", "миллионы", "миллионах", "млрд",
    "миллиардов", "thousand", "thousands", "ths", "k", "000", "mln", "mn", "million", "millions",
    "bn", "usd", "eur", "долл", "долларов", "доллары", "евро", "uah", "kzt", "тенге", "byn", "коп",
    "копеек",
}  # fmt: skip
_SIGNS = ("$", "€", "%")


def _skeleton(text: str) -> str:
    """Return the letters and digits in lower case, look-alike Cyrillic letters as Latin ones."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in text if sign.isalnum()).translate(_TWINS)


_BY_SKELETON = {
    _skeleton(name): field for field, names in SYNONYMS.items() for name in (field.value, *names)
}
_COSTS = {name for name, field in _BY_SKELETON.items() if field == Field.COST}


@lru_cache(maxsize=4096)
def field_of(title: str) -> Field | None:
    """Return the field that a title names, with or without a unit; None for other titles."""
    found = _BY_SKELETON.get(_skeleton(title))
    return found or (Field.COST if _cost_words(title) is not None else None)


@lru_cache(maxsize=4096)
def unit_of(title: str) -> str:
    """Return the unit in a cost title, "" if there is none or it is the rouble."""
    words = _cost_words(title)
    found = [word for word in words or () if word in _UNITS]
    return " ".join(found + [sign for sign in _SIGNS if sign in title])


def _cost_words(title: str) -> list[str] | None:
    """Return the words of a cost title after its name: units, currency, VAT.

    None if the title does not name a cost.
    """
    text = unicodedata.normalize("NFKC", title).casefold()
    words: list[str] = re.findall(r"[^\W_]+", text)
    for count in range(len(words), 0, -1):
        extra = words[count:]
        if _skeleton("".join(words[:count])) in _COSTS and all(
            word in _ROUBLES or word in _UNITS or word in _VAT or word in ("в", "с", "без", "in")
            for word in extra
        ):
            return extra
    return None


def clean_title(cell: object) -> str:
    """Return a title on one line, without byte order mark and invisible characters."""
    text = str(cell)[:MAX_TITLE]
    if not text.isprintable():
        text = "".join(s for s in text if s.isspace() or unicodedata.category(s)[0] != "C")
    return " ".join(text.split())


# A field, or several fields of which the first one present is used.
Choice = Field | tuple[Field, ...]


@dataclass(frozen=True)
class Heading:
    """The heading row of a table.

    ``line`` is its number in the file, from 1. ``above`` are the texts of the rows above it.
    ``id_place`` is the index of the ID column that this reading uses; None unless the heading has
    several ID columns. ``sheet`` is "" for CSV files.
    """

    titles: tuple[str, ...]
    line: int
    above: tuple[str, ...] = ()
    id_place: int | None = None
    sheet: str = ""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Heading:
        """Return the heading that ``dataclasses.asdict`` stored."""
        titles, above = tuple(stored["titles"]), tuple(stored["above"])
        return cls(**{**stored, "titles": titles, "above": above})

    @cached_property
    def fields(self) -> dict[Field, list[int]]:
        """Column indexes of each field, in ascending order.

        If a field has several columns and one of them has the field's own name, only this one is
        listed. Columns of Advertisement IDs are all listed, unless ``id_place`` is set.
        """
        found: dict[Field, list[int]] = {}
        for place, title in enumerate(self.titles):
            if title and (field := field_of(title)):
                found.setdefault(field, []).append(place)
        for field, places in found.items():
            if len(places) == 1 or field == Field.ADVERTISEMENT_ID:
                continue
            name = _skeleton(field.value)
            own = [n for n in places if _skeleton(self.titles[n]) == name]
            if len(own) == 1:
                found[field] = own
        if self.id_place is not None:
            found[Field.ADVERTISEMENT_ID] = [self.id_place]
        return found

    @property
    def width(self) -> int:
        """Number of columns up to the last one with a title."""
        return max((n + 1 for n, title in enumerate(self.titles) if title), default=0)

    def is_usable(self) -> bool:
        """Return whether this row can be a heading: it names the IDs or at least two fields."""
        return Field.ADVERTISEMENT_ID in self.fields or len(self.fields) > 1

    def places(self, *wanted: Choice, optional: Iterable[Field] = ()) -> list[int | None]:
        """Return the column indexes of these fields.

        Args:
            wanted: fields that the table must have. Of a tuple of fields the first one present is
                used.
            optional: fields that may be absent.

        Returns:
            One index for each of ``wanted``, then one for each of ``optional``; None for an absent
            one.

        Raises:
            SheetError: wanted fields are missing or a field has several columns (the error names
                all of them), or a cost is in another unit than roubles.
        """
        found = [self._chosen(each) for each in wanted]
        missing = [name_of(each) for each, places in zip(wanted, found, strict=True) if not places]
        if missing:
            raise SheetError("table_missing_column", columns=self._named(missing))
        found += [self.fields.get(each, []) for each in optional]
        twice = [self._doubled(places) for places in found if len(places) > 1]
        if twice:
            raise SheetError("table_duplicate_column", columns=self._named(twice))
        for places in found:
            if (
                places
                and field_of(title := self.titles[places[0]]) == Field.COST
                and unit_of(title)
            ):
                raise SheetError("table_unit", heading=title)
        return [places[0] if places else None for places in found]

    def _chosen(self, wanted: Choice) -> list[int]:
        if isinstance(wanted, Field):
            return self.fields.get(wanted, [])
        return next((self.fields[each] for each in wanted if each in self.fields), [])

    def _doubled(self, places: Sequence[int]) -> str:
        titles = [self.titles[place] for place in places]
        name = str(field_of(titles[0]))
        others = any(_skeleton(title) != _skeleton(name) for title in titles)
        return f"{name} ({', '.join(titles)})" if others else name

    def _named(self, names: Sequence[str]) -> str:
        text = ", ".join(names)
        return f"{text} ({self.sheet})" if self.sheet else text


def name_of(wanted: Choice) -> str:
    return str(wanted if isinstance(wanted, Field) else wanted[0])


def is_heading(titles: Sequence[object]) -> bool:
    """Return whether a row has a title of the Advertisement ID column."""
    return any(field_of(clean_title(title)) == Field.ADVERTISEMENT_ID for title in titles)
