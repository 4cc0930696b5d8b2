"""Strict serializer fields accept exactly the types that the schema states."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from rest_framework import serializers

from creativefilter.api.core.strict_fields import Boolean, Choice, Integer, Number


class Form(serializers.Serializer[Any]):
    integer = Integer(required=False, min_value=0)
    number = Number(required=False)
    boolean = Boolean(required=False)
    choice = Choice(["1", "none"], required=False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"integer": "7"}, {"integer": True}, {"integer": 7.5}, {"integer": -1}, {"integer": [7]},
        {"number": "0.5"}, {"number": False}, {"number": 1e400},
        {"boolean": 1}, {"boolean": "true"}, {"choice": 1},
    ],
)  # fmt: skip
def test_json_values_need_the_right_type(wrong: dict[str, Any]) -> None:
    form = Form(data=wrong)
    assert not form.is_valid()
    assert list(form.errors) == list(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        "integer=",
        "integer=x",
        "integer=٣",
        "integer=1e5",
        "number=",
        "number=nan",
        "number=1e400",
        "boolean=",
        "boolean=yes",
    ],
)
def test_form_values_need_a_plain_notation_and_may_not_be_blank(wrong: str) -> None:
    form = Form(data=QueryDict(wrong))
    assert not form.is_valid()
    assert list(form.errors) == [wrong.partition("=")[0]]


def test_right_values_are_accepted() -> None:
    found = {"integer": 7, "number": 0.5, "boolean": True, "choice": "1"}
    for data in (found, QueryDict("integer=7&number=0.5&boolean=true&choice=1")):
        form = Form(data=data)
        assert form.is_valid(), form.errors
        assert form.validated_data == found
    assert Form(data=QueryDict("")).is_valid()


@pytest.mark.parametrize("number", [1.5e-07, 5e-324, 1.7976931348623157e308])
def test_a_number_may_have_an_exponent(number: float) -> None:
    form = Form(data=QueryDict(urlencode({"number": repr(number)})))
    assert form.is_valid(), form.errors
    assert form.validated_data == {"number": number}
