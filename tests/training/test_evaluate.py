"""manage.py evaluate: figures of a model, of what it has not seen, and of the recipe."""

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
from classifier.segments import by_number
from classifier.text.training import TrainingRow
from creativefilter.creatives import model_versions
from creativefilter.creatives.intake.transcripts import import_transcripts
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Segment
from creativefilter.sheets import Place, Record
from tests.bundles import WORDS, rows, small_parts
from tests.small_bert import save_encoder

HEADS = ("Advertisement ID", "Segment_num", "text", "split")
SILENT = "ДИНАМИЧНАЯ МУЗЫКА"
ALL, UNSEEN = "model, all creatives", "model, only what it has not seen"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bundle that has learned the texts of ``rows()``."""
    folder = tmp_path_factory.mktemp("models") / "small"
    small_parts().save(folder, {}, "card")
    return folder


def fresh(count: int, seed: int = 3, split: str = "") -> list[TrainingRow]:
    """Texts that are near duplicates of no other: a segment's words among invented ones."""
    dice = random.Random(seed)
    found = []
    for place in range(count):
        segment = sorted(WORDS)[place % len(WORDS)]
        said = dice.sample(WORDS[segment].split(), 3)
        said += ["".join(dice.choices("абвгдежзиклмнопрст", k=7)) for _ in range(4)]
        found.append(TrainingRow(segment, " ".join(dice.sample(said, 7)), split))
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
    """What the command printed, in English."""
    said = io.StringIO()
    with translation.override("en"):
        call_command("evaluate", *map(str, options), stdout=said, stderr=io.StringIO())
    return said.getvalue()


def line(said: str, title: str, grid: int = 0) -> list[str]:
    """The cells of a row of the first or second table of figures."""
    lines = [one for one in said.splitlines() if one.startswith(title + "  ")]
    return re.split(r"\s{2,}", lines[grid].strip())[1:]


def macro_f1(said: str, title: str) -> float:
    return float(line(said, title)[2])


def test_figures_on_creatives_that_the_model_never_saw(model: Path, tmp_path: Path) -> None:
    wrong = TrainingRow(0, fresh(2)[1].text + " ещё", "")
    content = [*fresh(30), wrong, TrainingRow(16, SILENT, "")]
    said = evaluate("--transcripts", table(tmp_path / "new.csv", content), "--model", model)
    assert "learned from none of these 32 creatives" in said
    assert UNSEEN not in said
    rows_, undecided, found, interval, accuracy, ece = line(said, ALL)
    assert (rows_, undecided) == ("32", "1")
    assert float(accuracy) == pytest.approx(30 / 32, abs=1e-3)
    low, high = map(float, interval.split("–"))
    assert 0.8 < low < float(found) < high
    assert 0 < float(ece) < 0.5
    assert re.search(r"^16 · Speakers \+ voice assistant +11 +1\.000 +0\.909 +0\.952$", said, re.M)
    assert re.search(r"^0 · Promo .* → 12 · Credit cards +1$", said, re.M)


def test_what_it_has_learned_from_is_told_apart(model: Path, tmp_path: Path) -> None:
    """Rows that it has seen, a near duplicate of one, and others with labels that are wrong."""
    known = rows()[:12]
    nearly = TrainingRow(known[0].segment, f"Ах, {known[0].text}!", "")
    turned = [TrainingRow(12 if row.segment == 0 else 0, row.text, "") for row in fresh(10)]
    path = table(tmp_path / "mixed.csv", [*known, nearly, *turned])
    said = evaluate("--transcripts", path, "--model", model)
    assert "learned from 12 of these 23 creatives; 1 more are near duplicates" in said
    assert "look at those that it has not seen" in said
    assert line(said, ALL)[0] == "23"
    assert line(said, UNSEEN)[0] == "10"
    assert macro_f1(said, UNSEEN) < 0.2 < macro_f1(said, ALL)
    # The tables of segments are those of the honest figures.
    assert f"═══ {UNSEEN} ═══" in said
    assert f"═══ {ALL} ═══" not in said


def test_inventions_of_the_recogniser_hide_no_text_that_taught(model: Path, tmp_path: Path) -> None:
    told = [
        TrainingRow(row.segment, f"{row.text} Редактор субтитров А.Семкин", "") for row in rows()
    ]
    said = evaluate("--transcripts", table(tmp_path / "known.csv", told), "--model", model)
    assert "learned from all of these 60 creatives: its figure flatters" in said
    assert UNSEEN not in said
    assert line(said, ALL, grid=1)[1] == "100.0 % (100.0 %)"
    assert "Most often taken" not in said


def test_the_recipe_by_families_and_plainly(model: Path, tmp_path: Path) -> None:
    """Copies of texts that say nothing of their segment: only plain folds can know them."""
    content = [
        TrainingRow(place % 2, " ".join([*row.text.split()[:6], word, word]), "train")
        for place, row in enumerate(fresh(24, seed=8))
        for word in ("раз", "два", "три", "пять")
    ]
    content += fresh(9, seed=9, split="valid")
    path = table(tmp_path / "copies.csv", content, split=True)
    said = evaluate("--transcripts", path, "--model", model, "--cross-validate")
    honest = macro_f1(said, "recipe, folds by families")
    assert honest + 0.2 < macro_f1(said, "recipe, plain folds: copies flatter")
    assert line(said, "recipe, folds by families")[0] == "105"
    assert line(said, "recipe, train → valid")[0] == "9"
    assert "═══ recipe, folds by families ═══" in said
    assert "near duplicate in train" not in said
    alike = [*content, TrainingRow(0, content[0].text, "valid")]
    said = evaluate(
        "--transcripts", table(path, alike, split=True), "--model", model, "--cross-validate"
    )
    assert "1 of the 10 valid creatives have a near duplicate in train" in said


def test_a_transformer_stands_beside_the_recipe(model: Path, tmp_path: Path, settings: Any) -> None:
    settings.CPUS = 1  # more threads only get in each other's way in so small a network
    save_encoder(tmp_path / "small-bert")
    content = [*fresh(30, split="train"), *fresh(6, seed=4, split="valid")]
    content.append(TrainingRow(0, SILENT, "valid"))
    path = table(tmp_path / "table.csv", content, split=True)
    encoder = tmp_path / "small-bert"
    said = evaluate("--transcripts", path, "--model", model, "--transformer", encoder)
    assert line(said, "small-bert, train → valid")[:2] == ["7", "1"]
    assert line(said, "recipe, train → valid")[:2] == ["7", "1"]
    assert "by families" not in said


def test_weights_that_are_not_there_are_said_in_the_readers_language(
    model: Path, tmp_path: Path
) -> None:
    content = [*fresh(30, split="train"), *fresh(6, seed=4, split="valid")]
    path = table(tmp_path / "table.csv", content, split=True)
    missing = str(tmp_path / "none")
    with pytest.raises(CommandError, match="Нет папки"), translation.override("ru"):
        call_command(
            "evaluate", "--transcripts", str(path), "--model", str(model), "--transformer", missing
        )


def test_the_page_holds_everything_and_fetches_nothing(model: Path, tmp_path: Path) -> None:
    path, out = table(tmp_path / "new.csv", fresh(30)), tmp_path / "report.html"
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
    confusion, curve, bars = drawn(html)
    [cells] = confusion
    assert cells["y"] == [f"{number} · {by_number(number).name}" for number in sorted(WORDS)]
    assert [cells["text"][place][place] for place in range(3)] == ["10"] * 3
    assert cells["customdata"][0][1] == "0 (0 %)"
    assert len(curve) == 2
    assert [len(one["x"]) for one in bars] == [3] * 3


def drawn(html: str) -> list[Any]:
    """What Plotly is given for each chart of the page."""
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
def test_a_wrong_table_is_refused_by_row(
    model: Path, tmp_path: Path, content: str, words: str
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(CommandError, match=words):
        evaluate("--transcripts", path, "--model", model)


def test_what_cannot_be_measured_is_said(model: Path, tmp_path: Path) -> None:
    few = table(tmp_path / "few.csv", fresh(3))
    for options, words in (
        (("--transcripts", tmp_path / "none.csv"), "There is no file"),
        (("--cross-validate",), "Only the rows of --transcripts"),
        (("--transcripts", few, "--cross-validate"), "at least 5 families.*here are 3 and 0"),
        (("--transcripts", few, "--transformer", "x"), "rows whose split is train"),
        (("--transcripts", few, "--out", tmp_path / "none" / "page.html"), "there is no folder"),
    ):
        with pytest.raises(CommandError, match=words):
            evaluate("--model", model, *options)


def test_a_folder_that_is_no_whole_bundle_is_refused(model: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "table.csv", fresh(3))
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


@pytest.mark.django_db
def test_labelled_creatives_of_the_database(model: Path) -> None:
    """Withdrawn labels, demonstration rows and what is not analysed count for nothing."""
    creatives = import_all([*fresh(12), *rows()[:2], *fresh(3, seed=5)])
    for creative, row in zip(creatives, [*fresh(12), *rows()[:2]], strict=False):
        set_label(creative, Segment.objects.get(number=row.segment), None)
    set_label(creatives[0], None, None)
    Creative.objects.filter(pk=creatives[1].pk).update(is_demo=True)
    Creative.objects.filter(pk=creatives[2].pk).update(state=Creative.State.FAILED)
    set_label(creatives[14], Segment.objects.get(number=0), None)
    set_label(creatives[14], Segment.objects.get(number=16), None)
    said = evaluate("--model", model)
    assert "Labelled creatives that are not analysed: 1." in said
    assert "learned from 2 of these 12 creatives" in said
    assert (line(said, ALL)[0], line(said, UNSEEN)[0]) == ("12", "10")
    assert re.search(r"^16 · Speakers \+ voice assistant +4 ", said, re.M)


@pytest.mark.django_db
def test_without_labelled_creatives_there_is_nothing_to_judge(model: Path) -> None:
    import_all(fresh(3))
    with pytest.raises(CommandError, match="There are no labelled creatives"):
        evaluate("--model", model)


@pytest.mark.django_db
def test_the_active_version_is_judged_unless_another_is_named(model: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "table.csv", fresh(6))
    version = model_versions.register_folder(model)
    model_versions.activate(version)
    assert f"Model: {version.name}" in evaluate("--transcripts", path)
    artefact = Bundle.load().artefact
    assert artefact is not None
    named = evaluate("--transcripts", path, "--model", artefact.folder)
    assert f"Model: starter_model {artefact.digest[:8]}" in named
