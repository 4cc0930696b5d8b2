"""A creative's page says by which threshold it was decided, and computes evidence when asked."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.translation import override

from creativefilter.creatives import decision_settings
from creativefilter.creatives.admin.prediction_text import threshold_of
from creativefilter.creatives.models import Creative, DecisionInputs, Prediction
from creativefilter.jobs.models import Job
from tests.creatives.redeciding import MIX, create, queued, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(analyst: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(analyst)
    return client


def text_of(page: Client, creative: Any) -> str:
    response = page.get(f"/admin/creatives/creative/{creative}/change/")
    assert response.status_code == 200
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split(" ")))


def test_the_page_names_the_threshold_the_channels_and_the_target(page: Client) -> None:
    create(40)
    run(queued())
    rows = Prediction.objects.select_related("inputs", "parameters__settings")
    seen = set()
    for row in rows.filter(segment__isnull=False):
        with override("en"):
            text = threshold_of(row)
        if row.threshold is None:
            assert text.startswith("No probability is high enough for Screen at 95.0")
            seen.add("none")
            continue
        sign = "≥" if row.probability >= row.threshold else "<"
        found = f"{row.probability:.3f} {sign} {row.threshold:.3f} for Speech"
        assert text.startswith(found)
        assert ("Speech + Screen" in text) == (row.inputs.mask == 3)
        assert "mix" not in text
        seen.add(sign)
        assert text in text_of(page, row.creative_id)
    assert seen == {"none", "≥", "<"}
    decision_settings.change(0.9, MIX, None)
    run(queued())
    row = rows.filter(segment__isnull=False).first()
    assert row is not None
    with override("en"):
        text = threshold_of(row)
    assert re.search(r" at 90\.0.*A mix of segments is taken into account\.", text)
    row.inputs.delete()
    assert "older release" in text_of(page, row.creative_id)


def test_missing_evidence_is_stated_and_computed_when_asked(page: Client) -> None:
    create(20)
    run(queued())
    row = Prediction.objects.filter(inputs__mask=3).first()
    assert row is not None
    assert all("evidence" not in channel for channel in row.channels)
    assert "were not computed" in text_of(page, row.creative_id)
    address = f"/admin/creatives/creative/{row.creative_id}/explain/"
    assert page.post(address).status_code == 302
    assert "are being computed" in text_of(page, row.creative_id)
    page.post(address)
    run(Job.objects.get(kind="explain"))
    text = text_of(page, row.creative_id)
    assert "computed" not in text
    assert "Words that decided" in text
    before = Prediction.objects.get(pk=row.pk).channels
    # The same as in a prediction of its own.
    from creativefilter.creatives.analysis.decision import decide

    media = Creative.objects.get(pk=row.creative_id).current_media
    assert media is not None
    assert DecisionInputs.objects.get(pk=row.pk).evidence == decide(media).inputs.evidence
    page.post(address)
    assert Job.objects.filter(kind="explain").count() == 1
    assert before == Prediction.objects.get(pk=row.pk).channels


def test_a_creative_without_channels_needs_no_evidence(page: Client) -> None:
    create(20)
    run(queued())
    row = Prediction.objects.filter(segment=None).first()
    assert row is not None
    assert "computed" not in text_of(page, row.creative_id)
