"""How well does a model version learn from 800 labels of analysts?

    python benchmarks/adaptive.py [--transcripts FILE] [--quick]

Runs the commands that people use, on a database of its own in a temporary folder:
import_transcripts, import_labels and train --activate. The starter decides about all creatives
before the labels are imported, the new version after the training. The baseline is the starter; its
figure is out of fold, because it was trained on these transcripts.
"""

from __future__ import annotations

import csv
import os
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import common  # noqa: E402

LABELLED, QUICK_LABELLED = 800, 75


def main() -> None:
    parser = common.options(__doc__)
    parser.add_argument("--transcripts", type=Path, default=common.TRANSCRIPTS)
    options = parser.parse_args()
    transcripts = options.transcripts.resolve()
    with tempfile.TemporaryDirectory() as folder:
        database = {"DATABASE_URL": f"sqlite:///{folder}/db.sqlite3"}
        os.environ |= {"DATA_DIR": folder, "ENV_FILE": ""} | database
        common.start_django()
        if options.quick:
            transcripts = few_of(transcripts, Path(folder))
        run(transcripts, Path(folder), QUICK_LABELLED if options.quick else LABELLED)


def few_of(transcripts: Path, folder: Path) -> Path:
    """Write a table with every eighteenth transcript; return its path."""
    with transcripts.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    with (folder / "transcripts.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows[::18]])
    return folder / "transcripts.csv"


def run(transcripts: Path, folder: Path, labelled: int) -> None:
    from creativefilter.creatives import model_versions

    labels, unlabelled = split_labels(transcripts, folder / "labels.csv", labelled)
    starter = model_versions.active()
    step("import_transcripts", lambda: command("import_transcripts", str(transcripts)))
    step("decided by the starter", decide_again_all)
    step("import_labels", lambda: command("import_labels", str(labels)))
    step("train --activate", lambda: command("train", "--activate"))
    trained = model_versions.active()
    step("decided by the new version", decide_again_all)
    report(trained.name, unlabelled)
    shipped = starter.metrics["macro_f1_grouped_spoken"]
    print(f"the starter, out of fold on all transcripts with speech: macro-F1 {shipped:.3f}")


def split_labels(transcripts: Path, labels: Path, count: int) -> tuple[Path, dict[str, int]]:
    """Write a table with ``count`` labels.

    Returns:
        The path of the table, and the segments of all other transcripts by Advertisement ID.
    """
    with transcripts.open(encoding="utf-8-sig", newline="") as file:
        rows = [(row["Advertisement ID"], int(row["Segment_num"])) for row in csv.DictReader(file)]
    random.Random(0).shuffle(rows)
    with labels.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("Advertisement ID", "Segment_num"), *rows[:count]])
    return labels, {name: segment or 0 for name, segment in rows[count:]}


def command(*arguments: str) -> None:
    from django.core.management import call_command

    with Path(os.devnull).open("w") as null:
        call_command(*arguments, stderr=null)


def step(name: str, work: Callable[[], object]) -> None:
    print(f"{name}: {common.timed(work)[1]:.1f} s", flush=True)


def decide_again_all() -> None:
    """Queue the job that decides all creatives again, and run it in this process."""
    from creativefilter.creatives.analysis.redecision import decide_again
    from creativefilter.jobs import stage_runner
    from creativefilter.jobs.models import Job

    decide_again(None)
    while job := Job.objects.filter(state=Job.State.QUEUED).first():
        stage_runner.run_stage(str(job.pk), job.stage, "benchmark")
    failed = Job.objects.filter(state=Job.State.FAILED).count()
    assert not failed, f"{failed} jobs failed"


def report(name: str, unlabelled: dict[str, int]) -> None:
    """Print the quality of the active version on transcripts without a label."""
    import numpy as np

    from classifier.segments import canonical
    from classifier.text.families import families
    from creativefilter.creatives.models import Creative

    rows = list(
        Creative.objects.with_effective_segment()
        .filter(predicted_segment__isnull=False)
        .select_related("current_media")
    )
    family = families([row.current_media.transcripts.first().text for row in rows])
    without_label = np.array([row.advertisement_id in unlabelled for row in rows])
    near_labelled = np.isin(family, family[~without_label])
    truth = np.array([canonical(unlabelled.get(row.advertisement_id, 0)) for row in rows])
    predicted = np.array([row.predicted_segment for row in rows])
    automatic = np.array([row.decision == "auto" for row in rows])
    print(name)
    for title, chosen in (
        ("spoken creatives without a label", without_label),
        ("of these, no near duplicate of a labelled one", without_label & ~near_labelled),
    ):
        show(title, truth[chosen], predicted[chosen], automatic[chosen])


def show(title: str, truth: Any, predicted: Any, automatic: Any) -> None:
    from classifier.evaluation.metrics import accuracy, macro_f1

    print(
        f"  {title}, {len(truth)}: macro-F1 {macro_f1(truth, predicted):.3f}, accuracy "
        f"{accuracy(truth, predicted):.3f}; decided alone {automatic.mean():.1%}, of these right "
        f"{(truth == predicted)[automatic].sum() / max(automatic.sum(), 1):.1%}"
    )


if __name__ == "__main__":
    main()
