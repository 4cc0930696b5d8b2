"""No version is judged on a family of which it learned a creative, whatever happened in between.

``make exam`` runs it with 1,000 arrivals; in the suite there are fewer.
"""

from __future__ import annotations

import html
import io
import os
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation
from numpy.typing import NDArray

from classifier.text.families import fingerprints
from creativefilter.creatives.families import exam_set, grouping
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import (
    Creative,
    Fingerprint,
    ModelVersion,
    Segment,
    Transcript,
    UnitMember,
)
from creativefilter.training import exam, labelled_creatives
from tests.creatives.families_made import arrived, media_of, new_media
from tests.spots import spot

pytestmark = pytest.mark.django_db

ARRIVALS = int(os.environ.get("EXAM_ARRIVALS", "80"))
NOTHING = np.zeros(0, np.uint64)


@dataclass
class Version:
    """What a version remembers (``learned``) and what the test remembers (``creatives``)."""

    learned: NDArray[np.uint64]
    creatives: set[int]


@dataclass
class Market:
    """A database to which random things happen, and what has ever been one family."""

    dice: random.Random
    spots: int = 0
    unit_of: dict[int, int] = field(default_factory=dict)
    exam: set[int] = field(default_factory=set)
    versions: list[Version] = field(default_factory=list)
    judged: int = 0
    refused: int = 0

    def some(self) -> Creative | None:
        keys = list(Creative.objects.values_list("pk", flat=True))
        return Creative.objects.get(pk=self.dice.choice(keys)) if keys else None

    def arrive(self) -> None:
        new = self.dice.random() < 0.7 or not self.spots
        self.spots += new
        seed = self.spots if new else self.dice.randint(1, self.spots)
        self.store(arrived(None), seed)
        self.flip_label(Creative.objects.latest("pk"))

    def store(self, creative: Creative, *seeds: int) -> None:
        pictures = self.dice.sample(range(6), 5)
        media = media_of(creative)
        Transcript.objects.create(media=media, spoken=False, seconds_taken=0)
        grouping.store(media, spot(*seeds, pictures=pictures))

    def link(self) -> None:
        self.store(arrived(None), *(self.dice.randint(1, self.spots) for _ in range(2)))

    def delete(self) -> None:
        if creative := self.some():
            creative.delete()

    def replace(self) -> None:
        if creative := self.some():
            new_media(creative)
            self.store(creative, self.dice.randint(1, self.spots))

    def flip_label(self, creative: Creative | None = None) -> None:
        if creative := creative or self.some():
            segments = list(Segment.objects.all())
            set_label(creative, self.dice.choice([None, *segments]), None, "")

    def train(self) -> None:
        keys = list(labelled_creatives.taught().values_list("pk", flat=True))
        self.versions.append(Version(exam.digests_of(keys), set(keys)))

    def regroup(self) -> None:
        grouping.regroup_all()

    # What has to be true at any time

    def check_marks(self) -> None:
        marks = dict(Creative.objects.values_list("pk", "is_exam"))
        assert None not in marks.values()
        assert {pk for pk in self.exam if pk in marks} <= {pk for pk, mark in marks.items() if mark}
        self.exam = {pk for pk, mark in marks.items() if mark}
        families: dict[int, list[int]] = {}
        for family, pk in Fingerprint.objects.filter(family__isnull=False).values_list(
            "family", "media__creative"
        ):
            families.setdefault(family, []).append(pk)
        for members in families.values():
            assert len({marks[pk] for pk in members}) == 1
            self.unite(members)

    def unite(self, members: list[int]) -> None:
        units = {self.unit_of.setdefault(pk, pk) for pk in members}
        for pk, unit in self.unit_of.items():
            if unit in units:
                self.unit_of[pk] = min(units)

    def check_judged(self) -> None:
        relatives = exam.load_relatives()
        labelled = set(labelled_creatives.exam().values_list("pk", flat=True))
        for version in self.versions:
            allowed = exam.judged_on(relatives, version.learned, NOTHING)
            learned = {self.unit_of.get(pk, pk) for pk in version.creatives}
            clean = {pk for pk in labelled if self.unit_of.get(pk, pk) not in learned}
            assert allowed == clean
            self.judged += len(allowed)
            self.refused += len(labelled - allowed)


@pytest.mark.parametrize("seed", range(1, 2) if ARRIVALS < 1_000 else range(3))
def test_no_version_is_judged_on_a_family_that_it_learned(seed: int) -> None:
    market = Market(random.Random(seed))
    rare: list[Callable[[], None]] = [
        *[market.delete] * 8, *[market.flip_label] * 8, *[market.replace] * 3, *[market.link] * 5,
        market.regroup,
    ]  # fmt: skip
    for number in range(ARRIVALS):
        market.arrive()
        market.check_marks()
        if market.dice.random() < 0.4:
            market.dice.choice(rare)()
            market.check_marks()
        if number % 20 == 19:
            market.train()
        if number % 100 == 99:
            market.check_judged()
    market.check_judged()
    assert market.judged
    # In a short run no learned family may have come into the exam set.
    assert market.refused or ARRIVALS < 1_000
    marks = Creative.objects.values_list("pk", "is_exam")
    share = np.mean(list({market.unit_of.get(pk, pk): mark for pk, mark in marks}.values()))
    print(f"share of families {share:.3f}, judged {market.judged}, refused {market.refused}")
    assert 0.08 < share < 0.25


# What the random market does not have: texts

CARD = "Кредитная карта, целый год без процентов на любые покупки, оформите её за пять минут."
JUICE = "Сок из спелых яблок, в котором нет ни капли сахара: попробуйте новый вкус этого лета."


def transcribed(text: str, is_exam: bool, *, has_label: bool = True) -> Creative:
    """Create an imported creative with a transcript, assigned alone."""
    creative = arrived(None)
    Transcript.objects.create(media=media_of(creative), text=text, speech=text, spoken=True,
                              seconds_taken=0)  # fmt: skip
    Creative.objects.filter(pk=creative.pk).update(is_exam=is_exam)
    exam_set.assign([creative.pk])
    if has_label:
        set_label(creative, Segment.objects.first(), None, "")
    return creative


def judged_on(learned: list[Creative], texts: list[str]) -> set[int]:
    return exam.judged_on(
        exam.load_relatives(), exam.digests_of(one.pk for one in learned), fingerprints(texts)
    )


def test_a_near_duplicate_by_text_of_a_learned_creative_judges_nothing() -> None:
    card, juice = transcribed(CARD, True), transcribed(JUICE, True)
    learned = transcribed(CARD + " Подробности на сайте.", False)
    assert judged_on([], []) == {card.pk, juice.pk}
    assert judged_on([learned], []) == {juice.pk}
    assert exam.withheld(exam.load_relatives()) == {learned.pk}


def test_a_learned_text_counts_even_where_the_creative_is_not_known_as_learned() -> None:
    card, juice = transcribed(CARD, True), transcribed(JUICE, True)
    assert judged_on([], [CARD.upper()]) == {juice.pk}
    assert judged_on([], ["", CARD + JUICE]) == {card.pk, juice.pk}


def test_creatives_without_words_are_no_family_by_text() -> None:
    exam_one, learned = transcribed("", True), transcribed("", False)
    assert judged_on([learned], [""]) == {exam_one.pk}


def test_a_learned_creative_whose_label_was_withdrawn_counts() -> None:
    transcribed(CARD, True)
    learned = transcribed(CARD + " Подробности на сайте.", False)
    set_label(learned, None, None, "")
    assert judged_on([learned], []) == set()


def test_the_former_media_of_a_learned_creative_counts() -> None:
    transcribed(CARD, True)
    learned = transcribed(CARD + " Подробности на сайте.", False)
    Transcript.objects.create(media=new_media(learned), text=JUICE, speech=JUICE, spoken=True,
                              seconds_taken=0)  # fmt: skip
    assert judged_on([learned], []) == set()


def test_a_deleted_creative_that_was_learned_counts() -> None:
    learned, relative, other = (transcribed("", False) for _ in range(3))
    UnitMember.objects.update(unit=learned.pk)
    Creative.objects.filter(pk=relative.pk).update(is_exam=True)
    exam_set.assign([relative.pk])
    key = Creative(pk=learned.pk)
    learned.delete()
    assert judged_on([], []) == {relative.pk, other.pk}
    assert judged_on([key], []) == set()


def test_an_unlabelled_relative_links_by_its_text() -> None:
    judge, middle = transcribed("", True), transcribed(CARD, True, has_label=False)
    UnitMember.objects.update(unit=judge.pk)
    learned = transcribed(CARD + " Подробности на сайте.", False)
    assert judged_on([learned], []) == set()
    assert exam.withheld(exam.load_relatives()) == {learned.pk}
    middle.delete()
    assert judged_on([learned], []) == {judge.pk}


def test_a_database_without_labels_judges_nothing() -> None:
    transcribed(CARD, True, has_label=False)
    assert judged_on([], []) == exam.withheld(exam.load_relatives()) == set()


def test_counts_and_querysets_of_the_exam_set() -> None:
    in_exam, taught = transcribed(CARD, True), transcribed(JUICE, False)
    waiting = transcribed("", True, has_label=False)
    assert list(labelled_creatives.exam()) == [in_exam]
    assert list(labelled_creatives.taught()) == [taught]
    assert list(labelled_creatives.exam_unlabelled()) == [waiting]
    first = Segment.objects.first()
    assert first
    assert labelled_creatives.exam_by_segment() == {first.number: 1}


def page_of_a_version(client: Client) -> str:
    version = ModelVersion.objects.get(is_active=True)
    address = reverse("admin:creatives_modelversion_change", args=[version.pk])
    return client.get(address).content.decode()


def test_with_few_labelled_exam_creatives_page_and_command_say_so(
    analyst: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(analyst)
    transcribed(CARD, True)
    transcribed(JUICE, False)
    sentence = (
        "No comparison of model versions is possible yet: 1 of 100 labelled creatives of the exam "
        "set."
    )
    page = page_of_a_version(client)
    assert sentence in page
    [link] = re.findall(r'href="(/admin/creatives/creative/[^"]*is_exam[^"]*)"', page)
    waiting = transcribed("", True, has_label=False)
    listed = client.get(html.unescape(link)).context["cl"].result_list
    assert list(listed) == [waiting]
    with translation.override("en"):
        out = io.StringIO()
        call_command("evaluate", stdout=out)
    assert sentence in out.getvalue()
    monkeypatch.setattr(labelled_creatives, "LEAST_EXAM", 1)
    assert "No comparison" not in page_of_a_version(client)


def test_the_page_of_a_creative_shows_the_exam_set(analyst: User) -> None:
    client = Client(headers={"accept-language": "ru"})
    client.force_login(analyst)
    in_exam, taught = transcribed(CARD, True), transcribed(JUICE, False)
    address = "admin:creatives_creative_change"
    assert (
        ">контрольная выборка<" in client.get(reverse(address, args=[in_exam.pk])).content.decode()
    )
    assert "контрольная" not in client.get(reverse(address, args=[taught.pk])).content.decode()
