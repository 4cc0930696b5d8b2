"""What is written like the right thing is not the right thing."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from rest_framework import serializers

from creativefilter.api.core.strict_fields import Boolean, Choice, Integer, Number


class Form(serializers.Serializer[Any]):
    whole = Integer(required=False, min_value=0)
    number = Number(required=False)
    truth = Boolean(required=False)
    word = Choice(["1", "none"], required=False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"whole": "7"}, {"whole": True}, {"whole": 7.5}, {"whole": -1}, {"whole": [7]},
        {"number": "0.5"}, {"number": False}, {"truth": 1}, {"truth": "true"}, {"word": 1},
    ],
)  # fmt: skip
def test_json_has_types(wrong: dict[str, Any]) -> None:
    form = Form(data=wrong)
    assert not form.is_valid()
    assert list(form.errors) == list(wrong)


@pytest.mark.parametrize(
    "wrong",
    ["whole=", "whole=x", "whole=٣", "whole=1e5", "number=", "number=nan", "truth=", "truth=yes"],
)
def test_forms_have_texts_and_none_of_them_is_blank(wrong: str) -> None:
    form = Form(data=QueryDict(wrong))
    assert not form.is_valid()
    assert list(form.errors) == [wrong.partition("=")[0]]


def test_the_right_thing_is_taken() -> None:
    found = {"whole": 7, "number": 0.5, "truth": True, "word": "1"}
    for data in (found, QueryDict("whole=7&number=0.5&truth=true&word=1")):
        form = Form(data=data)
        assert form.is_valid(), form.errors
        assert form.validated_data == found
    assert Form(data=QueryDict("")).is_valid()


def test_a_number_may_have_an_exponent() -> None:
    form = Form(data=QueryDict("number=1.5e-07"))
    assert form.is_valid(), form.errors
    assert form.validated_data == {"number": 1.5e-07}
