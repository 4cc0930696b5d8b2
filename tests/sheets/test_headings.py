"""Headings: synonyms of the fields, units, missing and duplicate columns."""

from __future__ import annotations

import pytest

from creativefilter.sheets import Field, Heading, SheetError
from creativefilter.sheets.fields import field_of, unit_of
from tests.sheets.reading import refusal, rows


@pytest.mark.parametrize(
    ("title", "field"),
    [
        ("Advertisement ID", Field.ADVERTISEMENT_ID),
        ("advertisement_id", Field.ADVERTISEMENT_ID),
        (" ID  рекламы ", Field.ADVERTISEMENT_ID),
        ("Идентификатор\nрекламы", Field.ADVERTISEMENT_ID),
        ("Аdvеrtisеmеnt ID", Field.ADVERTISEMENT_ID),  # with Cyrillic letters
        ("Segment_num", Field.SEGMENT_NUM),
        ("Номер сегмента", Field.SEGMENT_NUM),
        ("Сегмент", Field.SEGMENT),
        ("РЕКЛАМОДАТЕЛЬ", Field.ADVERTISER),
        ("Бренд", Field.BRAND),
        ("Медиа", Field.MEDIA_TYPE),
        ("Media type", Field.MEDIA_TYPE),
        ("Стоимость, руб.", Field.COST),
        ("Estimated cost RUB", Field.COST),
        ("Бюджет (₽) без НДС", Field.COST),
        ("Год", Field.YEAR),
        ("Месяц:", Field.MONTH),
        ("текст", Field.TEXT),
        ("Имя файла", Field.FILE),
        ("ID", None),
        ("Дата", None),
        ("Стоимость доставки", None),
        ("", None),
    ],
)
def test_a_title_names_a_field_by_one_of_its_synonyms(title: str, field: Field | None) -> None:
    assert field_of(title) == field


@pytest.mark.parametrize(
    ("title", "unit"),
    [
        ("Estimated cost, тыс. руб.", "тыс"), ("Стоимость (млн руб)", "млн"), ("Бюджет, т.р.", "т"),
        ("Cost USD", "usd"), ("Стоимость, $", "$"), ("Estimated cost RUB", ""), ("Сумма с НДС", ""),
        ("Стоимость, ₽", ""),
    ],
)  # fmt: skip
def test_the_unit_of_a_cost_is_read_from_its_title_if_it_is_not_roubles(
    title: str, unit: str
) -> None:
    assert field_of(title) == Field.COST
    assert unit_of(title) == unit


def heading(*titles: str) -> Heading:
    return Heading(titles, 1)


def test_missing_and_duplicate_columns_are_named() -> None:
    with pytest.raises(SheetError, match="Advertisement ID, Segment_num"):
        heading("a").places(Field.ADVERTISEMENT_ID, (Field.SEGMENT_NUM, Field.SEGMENT))
    with pytest.raises(SheetError, match=r"Year, Month\."):
        heading("Year", "year", "Month", "MONTH").places(Field.YEAR, Field.MONTH)
    with pytest.raises(SheetError, match=r"Brand \(Бренд, Марка\)"):
        heading("Бренд", "Марка").places(Field.BRAND)
    with pytest.raises(SheetError, match="Лист1"):
        Heading(("a",), 1, sheet="Лист1").places(Field.BRAND)


def test_a_cost_in_thousands_is_refused() -> None:
    with pytest.raises(SheetError, match="тыс") as refused:
        heading("Advertisement ID", "Стоимость, тыс. руб.").places(Field.COST)
    assert refused.value.code == "table_unit"


def test_a_fields_own_name_takes_precedence_over_synonyms() -> None:
    titles = ("Cost", "Estimated cost RUB", "Segment_num", "Segment", "Сумма, млн")
    assert heading(*titles).places(Field.COST, (Field.SEGMENT_NUM, Field.SEGMENT)) == [1, 2]
    assert heading("Сегмент").places((Field.SEGMENT_NUM, Field.SEGMENT)) == [0]
    assert heading("text").places(Field.TEXT, optional=[Field.SPLIT]) == [0, None]


def test_two_other_fields_identify_the_heading_of_a_table_without_ids() -> None:
    assert rows("Разметка\nSegment_num;text\n12;слова\n".encode()) == [(3, ["12", "слова"])]


def test_the_heading_is_searched_for_in_twenty_rows_besides_blank_ones() -> None:
    title = "Отчёт;за год\n\n"
    assert rows((title * 19 + "ID рекламы;Бренд\n1;B\n").encode()) == [(40, ["1", "B"])]
    assert refusal((title * 20 + "ID рекламы;Бренд\n1;B\n").encode()) == "table_no_column"
