"""A new model version from what analysts said, measured beside the one that decides."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis import engines
from creativefilter.creatives.analysis.decision import features_of
from creativefilter.creatives.families import grouping
from creativefilter.creatives.models import ModelVersion, PictureVector
from creativefilter.site.database import in_batches
from creativefilter.site.errors import UserError
from creativefilter.training.labelled_creatives import ready

if TYPE_CHECKING:
    from classifier.evaluation.figures import Evaluation
    from classifier.learning.dataset import Example, TooFewError

Progress = Callable[[str], None]


class TrainingError(UserError):
    """Nothing was learned; the message is for the person who asked."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Figures of the new version and of the one that decides, on the same creatives.

    They taught the new one nothing; ``seen`` of them taught the old one.
    """

    new: Evaluation
    old: Evaluation
    seen: int


def examples() -> list[Example]:
    """The labelled creatives that are analysed, as training takes them; no demonstration."""
    from classifier.learning.dataset import Example

    known = grouping.numbers()
    return [
        Example(
            str(creative.pk),
            creative.label_segment,
            features_of(creative.current_media),
            known.get(creative.pk),
        )
        for creative in in_batches(ready())
    ]


def learn(text: str, pictures: str, progress: Progress) -> tuple[ModelVersion, Comparison]:
    """Trains a version and registers it; which one decides stays as it is.

    ``text``: "linear" or an encoder to fine-tune; ``pictures``: "nearest", "catboost" or "".
    A process that is killed leaves no version. Raises ``TrainingError``, ``ArtefactError`` for
    the active version, ``WeightsError`` for an encoder.
    """
    from classifier import train
    from classifier.evaluation.figures import Evaluation
    from classifier.learning.dataset import TooFewError
    from classifier.learning.trainer import Config

    active = model_versions.active()
    base = engines.bundle(active)
    with _alone() as models:
        name = timezone.localtime().strftime("%Y-%m-%d-%H%M%S")
        config = Config(
            folder=models / name,
            base=base,
            text=text,
            pictures=pictures,
            encoder=_most_used_encoder() if pictures else "",
            weights_folder=settings.WEIGHTS_FOLDER,
        )
        try:
            bundle = train(examples(), config, progress)
            version = model_versions.register_folder(config.folder)
        except TooFewError as error:
            raise TrainingError(_too_few(error)) from error
        except BaseException:
            # A folder without a row would never be used, and never be removed.
            shutil.rmtree(config.folder, ignore_errors=True)
            raise
    figures = bundle.facts["hold_out"]
    return version, Comparison(
        Evaluation.from_facts(figures["new"]),
        Evaluation.from_facts(figures["base"]),
        int(figures["base_has_seen"]),
    )


def _too_few(error: TooFewError) -> str:
    from classifier.learning.dataset import LEAST_CREATIVES, LEAST_FAMILIES

    return _(
        "There are too few labelled creatives to learn from: %(creatives)d of %(segments)d "
        "segments, %(families)d without near duplicates. At least %(least)d of two segments are "
        "needed, %(alone)d without near duplicates."
    ) % {
        "creatives": error.creatives,
        "segments": error.segments,
        "families": error.families,
        "least": LEAST_CREATIVES,
        "alone": LEAST_FAMILIES,
    }


def _most_used_encoder() -> str:
    """Vectors of different encoders can't be mixed: the one with the most creatives."""
    from collections import Counter

    names = PictureVector.objects.values_list("encoder", flat=True)
    return next((name for name, _count in Counter(names).most_common(1)), "")


@contextmanager
def _alone() -> Iterator[Path]:
    """The folder of models, for one training at a time; what a killed one left is swept away."""
    folder = Path(settings.DATA_DIR) / "models"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TrainingError(_("Another training is running.")) from error
        for left in folder.glob(".*-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield folder
