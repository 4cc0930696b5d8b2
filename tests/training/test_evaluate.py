"""manage.py evaluate: figures on all creatives, on unseen ones, and of the recipe."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from classifier.decision.bundle import Bundle
from classifier.segments import SEGMENTS
from classifier.text.training import TrainingRow
from creativefilter.creatives import decision_settings, model_versions
from creativefilter.creatives.intake.transcripts import import_transcripts
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Segment, Transcript
from creativefilter.sheets import Place, Record
from creativefilter.training.management.commands.evaluate import load_bundle
from tests.bundles import WORDS, rows, small_parts
from tests.small_bert import save_encoder

pytestmark = pytest.mark.django_db

HEADS = ("Advertisement ID", "Segment_num", "text", "split")
SILENT = "ДИНАМИЧНАЯ МУЗЫКА"
ALL, UNSEEN = "model, all creatives", "model, unseen creatives"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bundle trained on ``rows()``."""
    folder = tmp_path_factory.mktemp("models") / "small"
    small_parts().save(folder, {}, "card")
    return folder


def unique_rows(count: int, seed: int = 3, split: str = "") -> list[TrainingRow]:
    """Texts without near duplicates: words of a segment among invented ones."""
    dice = random.Random(seed)
    found = []
    for place in range(count):
        segment = sorted(WORDS)[place % len(WORDS)]
        words = dice.sample(WORDS[segment].split(), 3)
        words += ["".join(dice.choices("абвгдежзиклмнопрст", k=7)) for _ in range(4)]
        found.append(TrainingRow(segment, " ".join(dice.sample(words, 7)), split))
    return found


def table(path: Path, content: Iterable[TrainingRow], split: bool = False) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADS if split else HEADS[:3])
        for number, row in enumerate(content):
            line: list[Any] = [number, row.segment, row.text, row.split]
            writer.writerow(line if split else line[:3])
    return path


def evaluate(*options: Any) -> str:
    """Return the output of the command in English."""
    output = io.StringIO()
    with translation.override("en"):
        call_command("evaluate", *map(str, options), stdout=output, stderr=io.StringIO())
    return output.getvalue()


def line(output: str, title: str, grid: int = 0) -> list[str]:
    """Return the cells of the row ``title`` in the first or second table of figures."""
    lines = [one for one in output.splitlines() if one.startswith(title + "  ")]
    return re.split(r"\s{2,}", lines[grid].strip())[1:]


def macro_f1(output: str, title: str) -> float:
    return float(line(output, title)[2])


def test_figures_on_unseen_creatives(model: Path, tmp_path: Path) -> None:
    wrong = TrainingRow(0, unique_rows(2)[1].text + " ещё", "")
    content = [*unique_rows(30), wrong, TrainingRow(16, SILENT, "")]
    output = evaluate("--transcripts", table(tmp_path / "new.csv", content), "--model", model)
    assert "not trained on any of these 32 creatives" in output
    assert UNSEEN not in output
    rows_, undecided, found, interval, accuracy, ece = line(output, ALL)
    assert (rows_, undecided) == ("32", "1")
    assert float(accuracy) == pytest.approx(30 / 32, abs=1e-3)
    low, high = map(float, interval.split("–"))
    assert 0.8 < low < float(found) < high
    assert 0 < float(ece) < 0.5
    assert re.search(
        r"^16 · Speakers \+ voice assistant +11 +1\.000 +0\.909 +0\.952$", output, re.M
    )
    assert re.search(r"^0 · Promo .* → 12 · Credit cards +1$", output, re.M)


def test_training_creatives_are_reported_separately(model: Path, tmp_path: Path) -> None:
    """The table has training rows, a near duplicate of one, and unseen rows with wrong labels."""
    known = rows()[:12]
    near_duplicate = TrainingRow(known[0].segment, f"Ах, {known[0].text}!", "")
    mislabelled = [
        TrainingRow(12 if row.segment == 0 else 0, row.text, "") for row in unique_rows(10)
    ]
    path = table(tmp_path / "mixed.csv", [*known, near_duplicate, *mislabelled])
    output = evaluate("--transcripts", path, "--model", model)
    assert "trained on 12 of these 23 creatives; 1 more are near duplicates" in output
    assert "see those on unseen creatives" in output
    assert line(output, ALL)[0] == "23"
    assert line(output, UNSEEN)[0] == "10"
    assert macro_f1(output, UNSEEN) < 0.2 < macro_f1(output, ALL)
    # The tables of segments are those of unseen creatives.
    assert f"═══ {UNSEEN} ═══" in output
    assert f"═══ {ALL} ═══" not in output


def test_training_texts_are_recognised_despite_subtitle_credits(
    model: Path, tmp_path: Path
) -> None:
    with_credits = [
        TrainingRow(row.segment, f"{row.text} Редактор субтитров А.Семкин", "") for row in rows()
    ]
    output = evaluate(
        "--transcripts", table(tmp_path / "known.csv", with_credits), "--model", model
    )
    assert "trained on all of these 60 creatives: its figures are too good" in output
    assert UNSEEN not in output
    assert line(output, ALL, grid=1)[1] == "100.0 % (100.0 %)"
    assert "Most often taken" not in output


def test_cross_validate_reports_grouped_and_plain_folds(model: Path, tmp_path: Path) -> None:
    """Only near duplicates reveal the labels of the train rows, so plain folds score too well."""
    content = [
        TrainingRow(place % 2, " ".join([*row.text.split()[:6], word, word]), "train")
        for place, row in enumerate(unique_rows(24, seed=8))
        for word in ("раз", "два", "три", "пять")
    ]
    content += unique_rows(9, seed=9, split="valid")
    path = table(tmp_path / "copies.csv", content, split=True)
    output = evaluate("--transcripts", path, "--model", model, "--cross-validate")
    grouped = macro_f1(output, "recipe, folds by families")
    assert grouped + 0.2 < macro_f1(
        output, "recipe, plain folds (too good because of near duplicates)"
    )
    assert line(output, "recipe, folds by families")[0] == "105"
    assert line(output, "recipe, train → valid")[0] == "9"
    assert "═══ recipe, folds by families ═══" in output
    assert "near duplicate in train" not in output
    with_near_duplicate = [*content, TrainingRow(0, content[0].text, "valid")]
    output = evaluate(
        "--transcripts",
        table(path, with_near_duplicate, split=True),
        "--model",
        model,
        "--cross-validate",
    )
    assert "1 of the 10 valid creatives have a near duplicate in train" in output


def test_transformer_is_evaluated_beside_the_recipe(
    model: Path, tmp_path: Path, settings: Any
) -> None:
    settings.CPUS = 1  # more threads are slower in so small a network
    save_encoder(tmp_path / "small-bert")
    content = [*unique_rows(30, split="train"), *unique_rows(6, seed=4, split="valid")]
    content.append(TrainingRow(0, SILENT, "valid"))
    path = table(tmp_path / "table.csv", content, split=True)
    encoder = tmp_path / "small-bert"
    output = evaluate("--transcripts", path, "--model", model, "--transformer", encoder)
    assert line(output, "small-bert, train → valid")[:2] == ["7", "1"]
    assert line(output, "recipe, train → valid")[:2] == ["7", "1"]
    assert "by families" not in output


def test_missing_weights_are_reported_in_the_users_language(model: Path, tmp_path: Path) -> None:
    content = [*unique_rows(30, split="train"), *unique_rows(6, seed=4, split="valid")]
    path = table(tmp_path / "table.csv", content, split=True)
    missing = str(tmp_path / "none")
    with pytest.raises(CommandError, match="Нет папки"), translation.override("ru"):
        call_command(
            "evaluate", "--transcripts", str(path), "--model", str(model), "--transformer", missing
        )


def test_report_page_has_all_charts_and_fetches_nothing(model: Path, tmp_path: Path) -> None:
    path, out = table(tmp_path / "new.csv", unique_rows(30)), tmp_path / "report.html"
    with translation.override("ru"):
        call_command(
            "evaluate", "--transcripts", str(path), "--model", str(model), "--out", str(out),
            stdout=io.StringIO(),
        )  # fmt: skip
    html = out.read_text("utf-8")
    assert '<html lang="ru">' in html
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", html)
    title = re.search(r"<title>(.*)</title>", html)
    assert title
    assert "small " in title[1]
    assert "<td>12 · Кредитные карты</td>" in html
    confusion, curve, bars = chart_data(html)
    [cells] = confusion
    known = sorted((one.number, one.name) for one in SEGMENTS if one.number in WORDS)
    assert cells["y"] == [f"{number} · {name}" for number, name in known]
    assert [cells["text"][place][place] for place in range(3)] == ["10"] * 3
    assert cells["customdata"][0][1] == "0 (0 %)"
    assert len(curve) == 2
    assert [len(one["x"]) for one in bars] == [3] * 3


def chart_data(html: str) -> list[Any]:
    """Return the data of each Plotly chart of the page."""
    starts = re.finditer(r'Plotly\.newPlot\(\s*"[0-9a-f-]+",\s*', html)
    return [json.JSONDecoder().raw_decode(html, start.end())[0] for start in starts]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("Advertisement ID,Segment_num\n1,0\n", "lacks these columns: text"),
        ("Segment_num,text\n", "has a heading and no rows"),
        ("Segment_num,text\n0,слово\n77,слово\n", r"used: 1\.\nRow 3: .*number: 77"),
        ("Segment_num,text\n0,\n,слово\n", r"used: 2\.\nRow 2: the text.*\nRow 3: the segment"),
        ("Segment_num,text,split\n0,слово,test\n", "Row 2: the split is neither .*: test"),
    ],
)
def test_invalid_table_is_refused_with_rows_and_reasons(
    model: Path, tmp_path: Path, content: str, words: str
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(CommandError, match=words):
        evaluate("--transcripts", path, "--model", model)


def test_impossible_evaluations_are_refused_with_a_reason(model: Path, tmp_path: Path) -> None:
    few = table(tmp_path / "few.csv", unique_rows(3))
    for options, words in (
        (("--transcripts", tmp_path / "none.csv"), "There is no file"),
        (("--cross-validate",), "need --transcripts"),
        (("--transcripts", few, "--cross-validate"), "at least 5 families.*here are 3 and 0"),
        (("--transcripts", few, "--transformer", "x"), "rows whose split is train"),
        (("--transcripts", few, "--out", tmp_path / "none" / "page.html"), "there is no folder"),
    ):
        with pytest.raises(CommandError, match=words):
            evaluate("--model", model, *options)


def test_folder_without_a_bundle_is_refused(model: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "table.csv", unique_rows(3))
    for folder, words in (
        (model / "text", "not 'creative-filter/bundle'"),
        (tmp_path, "there is no manifest"),
    ):
        with pytest.raises(CommandError, match=words):
            evaluate("--transcripts", path, "--model", folder)


def import_all(content: Sequence[TrainingRow]) -> list[Creative]:
    lines = [
        Record(Place(0, place + 2, ""), (str(1000 + place), row.text))
        for place, row in enumerate(content)
    ]
    import_transcripts(lines, "table.csv", lambda _: None)
    return list(Creative.objects.order_by("advertisement_id"))


def test_labelled_creatives_of_the_database_are_evaluated(model: Path) -> None:
    """Withdrawn labels, the demonstration and creatives without any result are left out."""
    creatives = import_all([*unique_rows(12), *rows()[:2], *unique_rows(3, seed=5)])
    for creative, row in zip(creatives, [*unique_rows(12), *rows()[:2]], strict=False):
        set_label(creative, Segment.objects.get(number=row.segment), None)
    set_label(creatives[0], None, None)
    Creative.objects.filter(pk=creatives[1].pk).update(is_demo=True)
    Transcript.objects.filter(media__creative=creatives[2]).delete()
    Creative.objects.filter(pk=creatives[3].pk).update(state=Creative.State.FAILED)
    set_label(creatives[14], Segment.objects.get(number=0), None)
    set_label(creatives[14], Segment.objects.get(number=16), None)
    output = evaluate("--model", model)
    assert "Labelled creatives that are not analysed: 1." in output
    assert "trained on 2 of these 12 creatives" in output
    assert (line(output, ALL)[0], line(output, UNSEEN)[0]) == ("12", "10")
    assert re.search(r"^16 · Speakers \+ voice assistant +4 ", output, re.M)


def test_evaluation_without_labelled_creatives_is_refused(model: Path) -> None:
    import_all(unique_rows(3))
    with pytest.raises(CommandError, match="There are no labelled creatives"):
        evaluate("--model", model)


def test_active_version_is_evaluated_unless_a_folder_is_given(model: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "table.csv", unique_rows(6))
    version = model_versions.register_folder(model)
    model_versions.activate(version)
    assert f"Model: {version.name}" in evaluate("--transcripts", path)
    artefact = Bundle.load().artefact
    assert artefact is not None
    named = evaluate("--transcripts", path, "--model", artefact.folder)
    assert f"Model: starter_model {artefact.digest[:8]}" in named


def test_the_current_target_and_mix_apply_to_a_folder(model: Path, tmp_path: Path) -> None:
    texts = table(tmp_path / "texts.csv", unique_rows(30))
    assert "A mix of segments" not in evaluate("--transcripts", texts, "--model", model)
    decision_settings.change(0.9, {0: 9.0, 12: 1.0}, None)
    found = load_bundle(model)
    assert found.precision == 0.9
    assert found.parameters.factors.max() > 1
    assert "A mix of segments is taken into account." in evaluate(
        "--transcripts", texts, "--model", model
    )
