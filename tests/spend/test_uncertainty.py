"""Expected spend: what is certain, what is spread, how wide the intervals are, and what narrows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.segments import NUMBERS
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, MediaVersion, Segment
from creativefilter.spend.imports import importer
from creativefilter.spend.models import Advertisement
from creativefilter.spend.reports import expected_spend, simulation
from creativefilter.spend.reports.filters import Filters
from creativefilter.spend.totals import segment_changes
from tests.spend import reference_spend
from tests.spend.spend_files import table

RESAMPLES = 500


@pytest.mark.parametrize(("creatives", "spread"), [(60, 1.0), (2_000, 2.0)])
def test_calibrated_probabilities_make_true_intervals(creatives: int, spread: float) -> None:
    random = np.random.default_rng(creatives)
    amounts = random.lognormal(13, spread, creatives)
    chances = random.dirichlet(random.lognormal(-1, 1, len(NUMBERS)), creatives).T
    found = simulation.spread(amounts, chances)
    ends = chances.cumsum(axis=0)
    covered = np.zeros((RESAMPLES, len(NUMBERS)))
    for number in range(RESAMPLES):
        drawn = (random.random(creatives) > ends[:-1]).sum(axis=0)
        sums = np.bincount(drawn, amounts, len(NUMBERS))
        # Zero stands at the end of an interval that begins there.
        covered[number] = (found.low - 1e-6 <= sums) & (sums <= found.high + 1e-6)
    assert 0.85 <= covered.mean() <= 0.95
    assert found.expected == pytest.approx(chances @ amounts)


def test_a_few_large_creatives_get_no_normal_interval() -> None:
    amounts = np.array([1e6, *[1.0] * 1_000])
    chances = np.full((1, 1_001), 0.02)
    found = simulation.spread(amounts, chances)
    # 2 % is rarer than the 5 % outside: the large one is not in the interval at all.
    assert found.high[0] < 100
    assert found.expected[0] == pytest.approx(20_020)


@pytest.mark.django_db
class TestOfTheTables:
    @pytest.fixture(autouse=True)
    def spend(self, tmp_path: Path) -> None:
        """1 and 2 are predicted, 3 is labelled, 4 is not classified."""
        rows = (f"{n},A,B,{media},{cost},2021,3" for n, media, cost in self.ROWS)
        importer.import_file(table(tmp_path, *rows))
        self.creatives = {
            name: Creative.objects.create(advertisement_id=name, name=name) for name in "1234"
        }
        set_label(self.creatives["3"], Segment.objects.get(pk=3), None)
        self.predicted = [self.creatives["1"], self.creatives["2"]]
        reference_spend.predict(self.predicted, said((0.6, 0.4), (0.9, 0.1)))
        segment_changes.catch_up()

    ROWS = ((1, "TV", 3_000), (2, "TV", 700), (2, "Radio", 300), (3, "TV", "50.125"), (4, "TV", 7))

    def test_labels_are_certain_and_predictions_worth_their_probabilities(self) -> None:
        estimate = expected_spend.study(Filters())[0]
        rows = {row.segment: row for row in estimate.segments}
        assert set(rows) == {0, 1, 3}
        assert (rows[0].counted, rows[0].certain, rows[0].expected) == (4_000, 0, 2_700)
        assert (rows[1].counted, rows[1].expected) == (0, 1_300)
        assert {rows[3].certain, rows[3].expected, rows[3].low, rows[3].high} == {Decimal("50.125")}
        assert estimate.not_classified == 7
        # Four outcomes; 5 % lie beyond neither end: 0 of 4,000 has 4 %, all of them 54 %.
        assert (rows[0].low, rows[0].high) == (1_000, 4_000)

    def test_filters_apply(self) -> None:
        [first, second] = expected_spend.study(Filters(media_types=("Radio",)))[0].segments
        assert (first.expected, second.expected) == (270, 30)
        assert expected_spend.study(Filters(segments=(3,)))[0].not_classified == 0

    def test_the_most_uncertain_comes_first_and_reviewing_it_narrows_as_promised(self) -> None:
        worth = expected_spend.study(Filters(), count=1)[1]
        [first] = worth.creatives
        assert (first.creative, first.amount) == (self.creatives["1"].pk, 3_000)
        # 1 - 0.6² - 0.4² and 1 - 0.9² - 0.1²: how much of the squared amount is in doubt.
        assert first.share == pytest.approx(9 * 0.48 / (9 * 0.48 + 0.18))
        assert float(first.at_stake) == pytest.approx(3_000 * 0.48**0.5)
        assert (worth.predicted, 0 < worth.width_after < worth.width) == (2, True)
        set_label(self.creatives["1"], Segment.objects.get(pk=0), None)
        segment_changes.catch_up()
        after = expected_spend.study(Filters(), count=1)[1]
        assert after.width == worth.width_after
        assert [each.advertisement_id for each in after.creatives] == ["2"]

    def test_newer_predictions_of_the_same_segments_count_at_once(self) -> None:
        before = expected_spend.study(Filters())[0]
        reference_spend.again(self.predicted, said((0.5, 0.5), (0.8, 0.2)))
        assert segment_changes.catch_up() == 0
        after = expected_spend.study(Filters())[0]
        assert [row.expected for row in before.segments[:2]] == [2_700, 1_300]
        assert [row.expected for row in after.segments[:2]] == [2_300, 1_700]

    def test_predictions_of_replaced_media_do_not_count(self) -> None:
        one = self.creatives["1"]
        one.current_media = MediaVersion.objects.create(creative=one, sha256="new", size=1)
        one.save()
        segment_changes.catch_up()
        estimate = expected_spend.study(Filters())[0]
        assert [row.expected for row in estimate.segments[:2]] == [900, 100]
        assert estimate.not_classified == 3_007

    def test_what_is_expected_lies_within_its_interval(self) -> None:
        # Of the one creative with probabilities of .9 and .1 the interval is all or nothing.
        one = self.creatives["1"]
        one.current_media = None
        one.save()
        segment_changes.catch_up()
        rows = expected_spend.study(Filters())[0].segments
        assert [row.expected for row in rows[:2]] == [900, 100]
        assert all(row.low <= row.expected <= row.high for row in rows)

    def test_rounded_probabilities_lose_no_money(self) -> None:
        reference_spend.again(self.predicted, said((0.3, 0.15), (0.3, 0.1)))
        segment_changes.catch_up()
        assert expected_spend.study(Filters())[0].segments[0].expected == pytest.approx(
            Decimal(3_000 * 2 / 3 + 1_000 * 3 / 4)
        )
        assert Advertisement.objects.filter(segment=0).count() == 2

    def test_nothing_predicted_is_nothing_uncertain(self) -> None:
        worth = expected_spend.study(Filters(reviewed=True))[1]
        assert (worth.creatives, worth.width, worth.narrowing) == ((), 0, 0)


def said(*pairs: Sequence[float]) -> NDArray[np.float64]:
    """Probabilities of segments 0 and 1 for each creative, nothing for all others."""
    rows = np.zeros((len(pairs), len(NUMBERS)))
    rows[:, :2] = pairs
    return rows
