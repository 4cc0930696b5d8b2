"""Learning from what analysts say: real transcripts come in, 800 are labelled, one version learns.

    python benchmarks/adaptive.py --transcripts transcripts.csv

Everything goes through the commands that people use, on a database of its own in a folder that is
removed: import_transcripts, import_labels, train --activate, judging again, going back, and a
training that is killed in the middle. The alternative is the version before; as it has learned from
these very transcripts, the version that ships is shown, too, by its own figure out of fold.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

LABELLED = 800


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--transcripts", type=Path, required=True)
    transcripts = parser.parse_args().transcripts.resolve()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "creativefilter.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        run(transcripts, Path(folder))


def run(transcripts: Path, folder: Path) -> None:
    from creativefilter.creatives import model_versions

    labels, rest = part(transcripts, folder / "labels.csv")
    starter = model_versions.active()
    step("import_transcripts", lambda: command("import_transcripts", str(transcripts)))
    step("judged by the version that ships", judge)
    step("import_labels", lambda: command("import_labels", str(labels)))
    kill_in_the_middle()
    assert model_versions.active() == starter
    print("killed in the middle: the version that ships still decides, nothing is registered")
    step("train --activate", lambda: command("train", "--activate"))
    trained = model_versions.active()
    step("judged by the new version", judge)
    report(trained.name, rest)
    model_versions.activate(starter)
    step("gone back: judged again", judge)
    print(f"active again: {model_versions.active().name}")
    shipped = starter.metrics["macro_f1_grouped_spoken"]
    print(f"the version that ships, out of fold on all spoken transcripts: {shipped:.3f}")


def part(transcripts: Path, labels: Path) -> tuple[Path, dict[str, int]]:
    """A table of 800 labels, and the segments of all others by their ID."""
    with transcripts.open(encoding="utf-8-sig", newline="") as file:
        rows = [(row["Advertisement ID"], int(row["Segment_num"])) for row in csv.DictReader(file)]
    random.Random(0).shuffle(rows)
    with labels.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("Advertisement ID", "Segment_num"), *rows[:LABELLED]])
    return labels, {name: segment or 0 for name, segment in rows[LABELLED:]}


def command(*words: str) -> None:
    from django.core.management import call_command

    with Path(os.devnull).open("w") as nowhere:
        call_command(*words, stderr=nowhere)


def step(name: str, work: object) -> None:
    began = time.monotonic()
    assert callable(work)
    work()
    print(f"{name}: {time.monotonic() - began:.1f} s", flush=True)


def judge() -> None:
    """What a worker does with the jobs that wait, here and now."""
    from creativefilter.creatives.analysis.jobs import decide_again
    from creativefilter.jobs import lifecycle
    from creativefilter.jobs.models import Job

    decide_again(None)
    for job in Job.objects.filter(state=Job.State.QUEUED):
        lifecycle.run_stage(str(job.pk), job.stage, "benchmark")
    failed = Job.objects.filter(state=Job.State.FAILED).count()
    assert not failed, f"{failed} jobs failed"


def kill_in_the_middle() -> None:
    from creativefilter.creatives.models import ModelVersion

    process = subprocess.Popen(
        [sys.executable, "manage.py", "train", "--activate"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "fold 3" in line:
            process.send_signal(signal.SIGKILL)
            break
    assert process.wait() == -signal.SIGKILL
    assert ModelVersion.objects.count() == 1


def report(name: str, rest: dict[str, int]) -> None:
    """How right the active version is on the transcripts that were not labelled."""
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
    fresh = np.array([row.advertisement_id in rest for row in rows])
    alike = np.isin(family, family[~fresh])
    truth = np.array([canonical(rest.get(row.advertisement_id, 0)) for row in rows])
    said = np.array([row.predicted_segment for row in rows])
    alone = np.array([row.decision == "auto" for row in rows])
    print(name)
    for title, chosen in (
        ("spoken creatives without a label", fresh),
        ("of these, no near duplicate of a labelled one", fresh & ~alike),
    ):
        show(title, truth[chosen], said[chosen], alone[chosen])


def show(title: str, truth: Any, said: Any, alone: Any) -> None:
    from classifier.evaluation.metrics import accuracy, macro_f1

    print(
        f"  {title}, {len(truth)}: macro-F1 {macro_f1(truth, said):.3f}, accuracy "
        f"{accuracy(truth, said):.3f}; decided alone {alone.mean():.1%}, of these right "
        f"{(truth == said)[alone].mean():.1%}"
    )


if __name__ == "__main__":
    main()
