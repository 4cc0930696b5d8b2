"""Expected spend: expected values, coverage of the intervals, creatives worth reviewing."""

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
from creativefilter.creatives.segments.directory import Directory
from creativefilter.spend.imports import importer
from creativefilter.spend.models import Advertisement
from creativefilter.spend.reports import expected_spend, simulation
from creativefilter.spend.reports.filters import Filters
from creativefilter.spend.totals import segment_changes
from tests.spend import reference_spend
from tests.spend.spend_files import table

RESAMPLES = 500


@pytest.mark.parametrize(("creatives", "spread"), [(60, 1.0), (2_000, 2.0)])
def test_intervals_have_their_coverage_if_probabilities_are_calibrated(
    creatives: int, spread: float
) -> None:
    random = np.random.default_rng(creatives)
    amounts = random.lognormal(13, spread, creatives)
    chances = random.dirichlet(random.lognormal(-1, 1, len(NUMBERS)), creatives).T
    found = simulation.spread(amounts, chances)
    ends = chances.cumsum(axis=0)
    covered = np.zeros((RESAMPLES, len(NUMBERS)))
    for number in range(RESAMPLES):
        drawn = (random.random(creatives) > ends[:-1]).sum(axis=0)
        sums = np.bincount(drawn, amounts, len(NUMBERS))
        # The tolerance keeps rounding from excluding a sum that equals an end of the interval.
        covered[number] = (found.low - 1e-6 <= sums) & (sums <= found.high + 1e-6)
    assert 0.85 <= covered.mean() <= 0.95
    assert found.expected == pytest.approx(chances @ amounts)


def test_the_interval_of_a_few_large_creatives_is_not_normal() -> None:
    amounts = np.array([1e6, *[1.0] * 1_000])
    chances = np.full((1, 1_001), 0.02)
    found = simulation.spread(amounts, chances)
    # 5 % of all sums lie above the interval, but only 2 % of all sums include the large creative.
    assert found.high[0] < 100
    assert found.expected[0] == pytest.approx(20_020)


@pytest.mark.django_db
class TestExpectedSpend:
    @pytest.fixture(autouse=True)
    def spend(self, tmp_path: Path) -> None:
        """1 and 2 are predicted, 3 is labelled, 4 has no segment."""
        rows = (f"{n},A,B,{media},{cost},2021,3" for n, media, cost in self.ROWS)
        importer.import_file(table(tmp_path, *rows))
        self.creatives = {
            name: Creative.objects.create(advertisement_id=name, name=name) for name in "1234"
        }
        set_label(self.creatives["3"], Segment.objects.get(pk=3), None)
        self.predicted = [self.creatives["1"], self.creatives["2"]]
        reference_spend.predict(self.predicted, probabilities_of((0.6, 0.4), (0.9, 0.1)))
        segment_changes.catch_up()

    ROWS = ((1, "TV", 3_000), (2, "TV", 700), (2, "Radio", 300), (3, "TV", "50.125"), (4, "TV", 7))

    def test_labels_are_certain_and_predictions_count_by_their_probabilities(self) -> None:
        estimate = expected_spend.study(Filters())[0]
        rows = {row.segment: row for row in estimate.segments}
        assert set(rows) == {0, 1, 3}
        assert (rows[0].counted, rows[0].certain, rows[0].expected) == (4_000, 0, 2_700)
        assert (rows[1].counted, rows[1].expected) == (0, 1_300)
        assert {rows[3].certain, rows[3].expected, rows[3].low, rows[3].high} == {Decimal("50.125")}
        assert estimate.not_classified == 7
        # Segment 0 has 0, 1,000, 3,000 or 4,000 with 4, 36, 6 or 54 %: the 5 % quantile is 1,000.
        assert (rows[0].low, rows[0].high) == (1_000, 4_000)

    def test_predictions_of_advertisements_with_a_spend_of_0_are_left_out(
        self, tmp_path: Path
    ) -> None:
        before = expected_spend.study(Filters())[0]
        importer.import_file(table(tmp_path, "5,A,B,TV,0,2022,3", name="free.csv"))
        free = Creative.objects.create(advertisement_id="5", name="5")
        reference_spend.predict([free], probabilities_of((0.6, 0.4)))
        segment_changes.catch_up()
        assert expected_spend.study(Filters())[0].segments == before.segments

    def test_filters_are_applied(self) -> None:
        [first, second] = expected_spend.study(Filters(media_types=("Radio",)))[0].segments
        assert (first.expected, second.expected) == (270, 30)
        assert expected_spend.study(Filters(segments=(3,)))[0].not_classified == 0

    def test_the_most_uncertain_creative_comes_first_and_its_review_narrows_as_predicted(
        self,
    ) -> None:
        worth = expected_spend.study(Filters(), count=1)[1]
        [first] = worth.creatives
        assert (first.creative, first.amount) == (self.creatives["1"].pk, 3_000)
        # The variances are the squared amounts times 1 - 0.6² - 0.4² = 0.48 and
        # 1 - 0.9² - 0.1² = 0.18.
        assert first.share == pytest.approx(9 * 0.48 / (9 * 0.48 + 0.18))
        assert float(first.at_stake) == pytest.approx(3_000 * 0.48**0.5)
        assert (worth.predicted, 0 < worth.width_after < worth.width) == (2, True)
        set_label(self.creatives["1"], Segment.objects.get(pk=0), None)
        segment_changes.catch_up()
        after = expected_spend.study(Filters(), count=1)[1]
        assert after.width == worth.width_after
        assert [each.advertisement_id for each in after.creatives] == ["2"]

    def test_newer_predictions_count_at_once_even_if_no_segment_changes(self) -> None:
        before = expected_spend.study(Filters())[0]
        reference_spend.predict_current_media(
            self.predicted, probabilities_of((0.5, 0.5), (0.8, 0.2))
        )
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

    def test_expected_spend_lies_within_its_interval(self) -> None:
        # With one predicted creative, both intervals reach from 0 to its whole spend.
        one = self.creatives["1"]
        one.current_media = None
        one.save()
        segment_changes.catch_up()
        rows = expected_spend.study(Filters())[0].segments
        assert [row.expected for row in rows[:2]] == [900, 100]
        assert all(row.low <= row.expected <= row.high for row in rows)

    def test_probabilities_that_do_not_sum_up_to_one_lose_no_spend(self) -> None:
        reference_spend.predict_current_media(
            self.predicted, probabilities_of((0.3, 0.15), (0.3, 0.1))
        )
        segment_changes.catch_up()
        assert expected_spend.study(Filters())[0].segments[0].expected == pytest.approx(
            Decimal(3_000 * 2 / 3 + 1_000 * 3 / 4)
        )
        assert Advertisement.objects.filter(segment=0).count() == 2

    def test_without_predictions_nothing_is_uncertain(self) -> None:
        worth = expected_spend.study(Filters(reviewed=True))[1]
        assert (worth.creatives, worth.width, worth.narrowing) == ((), 0, 0)


def probabilities_of(*pairs: Sequence[float]) -> NDArray[np.float64]:
    """Return probabilities, (creatives, segments), from those of the first segments."""
    rows = np.zeros((len(pairs), len(NUMBERS)))
    for row, pair in zip(rows, pairs, strict=True):
        row[: len(pair)] = pair
    return rows


@pytest.mark.django_db
def test_a_creative_that_was_removed_meanwhile_is_not_proposed_for_review() -> None:
    shares = np.ones((len(NUMBERS), 1))
    gone = expected_spend._Predicted(NUMBERS, np.array([999]), np.array([1.0]), shares)
    assert expected_spend._described(gone, [0], np.array([1.0]), Directory.read()) == ()
