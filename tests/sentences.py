"""Sentence for an error of the classifier."""

from __future__ import annotations

from django.utils import translation

from classifier.errors import ScreenUnavailable, WeightsError
from creativefilter.site.codes import sentence


def sentence_of(error: WeightsError | ScreenUnavailable, language: str = "ru") -> str:
    with translation.override(language):
        return sentence(error.code, error.facts)
