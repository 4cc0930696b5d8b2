"""Text that a spreadsheet program would run."""

from __future__ import annotations

from typing import Any

import pytest

from creativefilter.creatives.cells import harmless


@pytest.mark.parametrize("text", ["=1+1", "+7 900", "-5", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_that_begins_like_a_formula_is_escaped(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("value", ["Скидка = 5", "", -5, 0.5, None, True])
def test_everything_else_is_left_as_it_is(value: Any) -> None:
    assert harmless(value) == value


def test_a_formula_does_not_hide_behind_a_sign_that_is_taken_out() -> None:
    assert harmless("\x00=1+1") == "'=1+1"
