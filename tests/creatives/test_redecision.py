"""One job decides all creatives again: from stored inputs, in turns, or by another version."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db.models import Sum
from django.utils import timezone

from creativefilter.creatives import decision_settings, model_versions
from creativefilter.creatives.analysis import decision, redecision, stages
from creativefilter.creatives.analysis.redecision import decide_again
from creativefilter.creatives.models import (
    Creative,
    DecisionChange,
    DecisionInputs,
    MediaVersion,
    Prediction,
)
from creativefilter.jobs import lifecycle, stage_runner
from creativefilter.jobs.models import Job
from creativefilter.site import lanes
from creativefilter.spend.models import SpendTotal
from creativefilter.spend.totals import checks, segment_changes
from tests.creatives.redeciding import (
    MIX,
    another_version,
    create,
    decisions,
    fresh_decisions,
    queued,
    run,
    turn,
)
from tests.spend.spend_files import imported, table

pytestmark = pytest.mark.django_db
COUNT = 40


@pytest.fixture
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a few creatives, one in a turn."""
    monkeypatch.setattr(redecision, "PREDICTED_AT_ONCE", 7)
    monkeypatch.setattr(redecision, "DECIDED_AT_ONCE", 9)
    monkeypatch.setattr(lanes, "TURN_SECONDS", -1.0)


@pytest.fixture
def creatives() -> list[Creative]:
    """Creatives that the starter has predicted."""
    made = create(COUNT)
    run(queued())
    return made


def assert_fresh() -> None:
    """Check that stored decisions are those of new predictions.

    The texts are predicted in other batches, so that the last bits of sums may differ before the
    inputs are rounded: a logarithm may be rounded to its neighbour.
    """
    stored, fresh = decisions(), fresh_decisions()
    for one, other in zip(stored, fresh, strict=True):
        assert one[:4] == other[:4]
        assert one[4] == (other[4] if other[4] is None else pytest.approx(other[4], rel=0.005))
        assert one[5] == (other[5] if one[1] is not None else None)


@pytest.mark.parametrize("mix", [None, MIX])
@pytest.mark.parametrize("precision", [0.9, 0.95, 0.99])
def test_decisions_from_stored_inputs_equal_new_ones(
    creatives: list[Creative], precision: float, mix: dict[int, float] | None
) -> None:
    before = decisions()
    decision_settings.change(0.6, {16: 5.0, 0: 1.0}, None)
    run(queued())
    changed = decisions()
    assert changed != before
    decision_settings.change(precision, mix, None)
    job = run(queued())
    assert job.state == Job.State.DONE
    assert job.result["decided"] == COUNT
    assert job.result["predicted"] == 0
    assert_fresh()
    assert decisions() != changed
    assert Prediction.objects.count() == DecisionInputs.objects.count() == COUNT
    # Nothing is left to be done, and no creative has left its state.
    assert decide_again(None) is None
    assert set(Creative.objects.values_list("state", flat=True)) == {Creative.State.DONE}


def test_only_changes_of_segment_or_decision_are_recorded(creatives: list[Creative]) -> None:
    before = decisions()
    row = decision_settings.change(0.99, MIX, None)
    run(queued())
    expected = {
        (old[0], old[1], new[1], old[2], new[2])
        for old, new in zip(before, decisions(), strict=True)
        if old[1:3] != new[1:3]
    }
    assert 0 < len(expected) < COUNT
    names = ("prediction__creative", "from_segment", "to_segment", "from_decision", "to_decision")
    changes = DecisionChange.objects.filter(settings=row)
    assert set(changes.values_list(*names)) == expected
    assert changes.count() == len(expected)


def test_a_version_predicts_all_in_turns(
    creatives: list[Creative], short_turns: None, tmp_path: Path
) -> None:
    first = decisions()
    model_versions.activate(another_version(tmp_path / "other"))
    job = queued()
    assert Job.objects.filter(kind="decide_again", state=Job.State.QUEUED).count() == 1
    progress = []
    while job.state == Job.State.QUEUED:
        turn(job)
        progress.append(job.progress)
    assert progress == sorted(progress)
    assert len(progress) > COUNT / 7
    assert 0 < progress[1] < 100
    assert job.state == Job.State.DONE
    assert job.result["predicted"] == COUNT
    assert [one[1:] for one in decisions()] == [one[1:] for one in first]
    assert Prediction.objects.count() == 2 * COUNT
    assert_fresh()


def test_a_job_goes_on_after_its_process_was_killed(
    creatives: list[Creative], short_turns: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model_versions.activate(another_version(tmp_path / "other"))
    decision_settings.change(0.9, MIX, None)
    job = queued()
    turn(job)
    # As a kill in the middle of a turn, after a part was committed.
    monkeypatch.setattr(lanes, "TURN_SECONDS", 60.0)
    parts = iter([None])

    def killed(self: Any) -> None:
        if next(parts, self) is self:
            raise SystemExit

    original = redecision._Run._predict
    monkeypatch.setattr(redecision._Run, "_predict", lambda self: (killed(self), original(self))[1])
    with pytest.raises(SystemExit):
        stage_runner.run_stage(str(job.pk), job.stage, "killed")
    done = Prediction.objects.filter(model_version__is_active=True).count()
    assert done == 14
    monkeypatch.setattr(redecision._Run, "_predict", original)
    Job.objects.filter(pk=job.pk).update(state=Job.State.QUEUED)
    job.refresh_from_db()
    assert run(job).result["predicted"] == COUNT
    assert Prediction.objects.filter(model_version__is_active=True).count() == COUNT
    assert_fresh()


def test_newer_settings_supersede_a_job(creatives: list[Creative], short_turns: None) -> None:
    decision_settings.change(0.99, MIX, None)
    older = queued()
    turn(older)
    decision_settings.change(0.9, None, None)
    newer = queued()
    older.refresh_from_db()
    assert older.state == Job.State.CANCELLED
    before = decisions()
    turn(older)
    assert decisions() == before
    assert run(newer).state == Job.State.DONE
    assert_fresh()


def test_a_superseded_job_that_is_running_writes_nothing_more(
    creatives: list[Creative], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Newer settings arrive while a worker computes predictions by the older ones."""
    model_versions.activate(another_version(tmp_path / "other"))
    older = queued()
    original = redecision.predict

    def overtaken(*arguments: Any) -> Any:
        monkeypatch.setattr(redecision, "predict", original)
        decision_settings.change(0.9, MIX, None)
        newer.append(queued())
        return original(*arguments)

    newer: list[Job] = []
    monkeypatch.setattr(redecision, "predict", overtaken)
    turn(older)
    assert older.state == Job.State.CANCELLED
    assert not Prediction.objects.filter(model_version__is_active=True).exists()
    assert run(newer[0]).state == Job.State.DONE
    assert_fresh()


def test_a_job_that_is_cancelled_while_it_runs_writes_nothing_more(
    creatives: list[Creative], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model_versions.activate(another_version(tmp_path / "other"))
    job = queued()
    original = redecision.predict

    def cancelled(*arguments: Any) -> Any:
        assert lifecycle.cancel(Job.objects.get(pk=job.pk))
        return original(*arguments)

    monkeypatch.setattr(redecision, "predict", cancelled)
    turn(job)
    assert (job.state, job.error_code) == (Job.State.CANCELLED, "")
    assert not Prediction.objects.filter(model_version__is_active=True).exists()


def test_a_cancelled_job_leaves_all_creatives_done_and_can_be_started_again(
    creatives: list[Creative], short_turns: None
) -> None:
    decision_settings.change(0.99, MIX, None)
    job = queued()
    turn(job)
    assert lifecycle.cancel(job)
    turn(job)
    assert job.state == Job.State.CANCELLED
    assert set(Creative.objects.values_list("state", flat=True)) == {Creative.State.DONE}
    assert Prediction.objects.values("parameters").order_by().distinct().count() == 2
    again = lifecycle.retry(job)
    assert again is not None
    assert run(again).state == Job.State.DONE
    assert_fresh()


@pytest.mark.parametrize("what", ["settings", "version"])
def test_a_prediction_computed_meanwhile_is_not_missed(
    what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A creative is being classified while another rule comes into force."""
    [creative] = create(1)
    params = {"creative": creative.pk, "media": creative.current_media_id}
    [job] = lifecycle.create_at_last_stage(stages.ANALYSE, [params], None)
    Creative.objects.update(job=job, state=Creative.State.QUEUED)
    original = decision.decide

    def overtaken(media: MediaVersion) -> decision.Decided:
        decided = original(media)
        if what == "settings":
            decision_settings.change(0.5, MIX, None)
        else:
            model_versions.activate(another_version(tmp_path / "other"))
        assert decide_again(None) is None  # the creative is not done
        return decided

    monkeypatch.setattr(decision, "decide", overtaken)
    turn(job)
    assert (job.state, job.stage) == (Job.State.QUEUED, "classifying")
    assert not Prediction.objects.exists()
    monkeypatch.setattr(decision, "decide", original)
    turn(job)
    assert job.state == Job.State.DONE
    assert_fresh()
    assert Creative.objects.get().state == Creative.State.DONE


def test_creatives_that_come_up_behind_the_job_are_decided(
    creatives: list[Creative], short_turns: None
) -> None:
    """Such as one whose analysis was cancelled."""
    first = creatives[0]
    Creative.objects.filter(pk=first.pk).update(state=Creative.State.CLASSIFYING)
    Prediction.objects.filter(creative=first).delete()
    create(10, "8")
    job = queued()
    turn(job)
    Creative.objects.filter(pk=first.pk).update(state=Creative.State.DONE)
    assert run(job).result["predicted"] == 11
    assert_fresh()


def test_predictions_without_inputs_count_until_the_settings_change() -> None:
    made = create(3)
    for one in made:
        Prediction.objects.create(
            creative=one, media=one.current_media, model_version=model_versions.active(),
            segment_id=7, probability=0.4, probabilities={"7": 0.4, "8": 0.6}, decision="auto",
        )  # fmt: skip
    old = Prediction.objects.first()
    assert old is not None
    assert old.probabilities == {"7": 0.4, "8": 0.6}
    assert (old.channels, old.threshold, old.parameters) == ([], None, None)
    assert decide_again(None) is None
    decision_settings.change(0.9, None, None)
    job = run(queued())
    assert (job.result["predicted"], job.result["decided"]) == (3, 0)
    newest = [one.predictions.first() for one in made]
    assert all(one is not None and one.parameters is not None for one in newest)
    assert Prediction.objects.filter(segment=7, parameters=None).count() == 3


def test_spend_follows_segments_that_other_settings_change(tmp_path: Path) -> None:
    made = create(30)
    rows = [
        f"{one.advertisement_id},А,Б,TV,{number}.37,2021,3" for number, one in enumerate(made, 1)
    ]
    run(queued())
    # Old enough for the watermark to pass them.
    Prediction.objects.update(created_at=timezone.now() - timedelta(days=1))
    imported(table(tmp_path, *rows))
    segment_changes.catch_up()
    before = by_segment()
    decision_settings.change(0.95, {16: 900.0, 0: 0.001, 12: 0.001}, None)
    run(queued())
    assert DecisionChange.objects.exclude(from_segment=None).exists()
    moved = segment_changes.catch_up()
    assert moved == DecisionChange.objects.count() - unchanged_segments()
    after = by_segment()
    assert after != before
    assert (
        sum(after.values()) == sum(before.values()) == sum(Decimal(f"{n}.37") for n in range(1, 31))
    )
    rebuilt = checks.check()
    assert rebuilt.agrees
    checks.rebuild()
    assert by_segment() == after


def unchanged_segments() -> int:
    return sum(one.from_segment_id == one.to_segment_id for one in DecisionChange.objects.all())


def by_segment() -> dict[int, Decimal]:
    rows = SpendTotal.objects.order_by().values_list("segment").annotate(Sum("amount"))
    return dict(rows)


def test_a_creative_that_was_deleted_meanwhile_is_left_out(
    creatives: list[Creative], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model_versions.activate(another_version(tmp_path / "other"))
    job = queued()
    original = redecision.predict

    def overtaken(*arguments: Any) -> Any:
        found = original(*arguments)
        Creative.objects.filter(pk=creatives[3].pk).delete()
        return found

    monkeypatch.setattr(redecision, "predict", overtaken)
    assert run(job).state == Job.State.DONE
    assert Prediction.objects.filter(model_version__is_active=True).count() == COUNT - 1


def test_stored_inputs_are_read_without_numpy_as_with_it(creatives: list[Creative]) -> None:
    from classifier.decision.rule import Inputs, probabilities_of, shares

    decision_settings.change(0.9, MIX, None)
    run(queued())
    rows = Prediction.objects.select_related("inputs", "parameters")
    for row in rows:
        inputs, parameters = row.inputs, row.parameters
        assert parameters is not None
        if row.segment_id is None:
            assert (row.probabilities, row.channels) == ({}, [])
            continue
        numbers = parameters.values["numbers"]
        found = shares(bytes(inputs.values), np.array(parameters.values["factors"]))
        assert list(row.probabilities.values()) == pytest.approx(found.tolist())
        assert max(row.probabilities, key=row.probabilities.__getitem__) == str(row.segment_id)
        assert row.probabilities[str(row.segment_id)] == pytest.approx(row.probability)
        stored = Inputs.unpack([(bytes(inputs.values), inputs.mask)], tuple(numbers))
        for channel in row.channels:
            plain = probabilities_of(stored.channels[channel["name"]])[0]
            assert list(channel["probabilities"].values()) == pytest.approx(plain.tolist())
        chosen = [one["probabilities"][str(row.segment_id)] for one in row.channels]
        assert chosen == sorted(chosen, reverse=True)
        assert len(chosen) == inputs.mask.bit_count()


def test_the_older_version_decides_until_the_job_comes_to_a_creative(
    creatives: list[Creative], short_turns: None, tmp_path: Path
) -> None:
    def segments() -> list[Any]:
        rows = Creative.objects.with_effective_segment().order_by("pk")
        return list(rows.values_list("effective_segment", "decision"))

    before = segments()
    assert any(segment is not None for segment, _decision in before)
    older = model_versions.active()
    model_versions.activate(another_version(tmp_path / "other"))
    job = queued()
    assert segments() == before
    turn(job)
    Prediction.objects.filter(model_version__is_active=True).update(segment=9)
    after = segments()
    assert [segment for segment, _ in after[:7]] == [9] * 7
    assert after[7:] == before[7:]
    rows = Creative.objects.with_effective_segment().order_by("pk")
    counted = rows.values_list("prediction", flat=True)[7:]
    assert set(older.predictions.values_list("pk", flat=True)) >= set(counted)
