"""Training of a model version from labels, compared with the active version."""

from __future__ import annotations

import fcntl
import logging
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis import engines
from creativefilter.creatives.families import exam_set
from creativefilter.creatives.models import ModelVersion, PictureVector
from creativefilter.site.errors import UserError
from creativefilter.training import exam
from creativefilter.training.comparison import Comparison, compare, stored_comparison
from creativefilter.training.facts import facts_of
from creativefilter.training.label_use import LabelUse
from creativefilter.training.labelled_creatives import labelled, ready, with_features

if TYPE_CHECKING:
    from classifier.decision.bundle import Bundle
    from classifier.learning.dataset import Example, TooFewError
    from classifier.learning.progress import Step
    from classifier.learning.types import Config
    from creativefilter.training.exam import Relatives

logger = logging.getLogger(__name__)

Progress = Callable[["Step"], None]


class TrainingError(UserError):
    """Training is not possible; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Training:
    """The result of a training.

    Attributes:
        version: The version, not activated.
        comparison: Its comparison with the active version on the exam set.
        labels: Which labels it used.
        is_new: False if nothing has changed since this version was trained, so that nothing was
            done.
    """

    version: ModelVersion
    comparison: Comparison
    labels: LabelUse
    is_new: bool = True


def examples(withheld: Collection[int] = ()) -> list[Example]:
    """Return the labelled, analysed creatives as training examples, without the demonstration.

    ``withheld``: keys of creatives to treat like the exam set (``exam.withheld``).
    """
    from classifier.learning.dataset import Example

    return [
        Example(
            str(creative.pk),
            creative.label_segment,
            features,
            # A creative that is not assigned yet is not learned.
            exam=creative.is_exam is not False or creative.pk in withheld,
        )
        for creative, features in with_features(ready())
    ]


def learn(text: str, pictures: str, progress: Progress) -> Training:
    """Train a version and register it without activating it.

    A process that is killed before the version is registered leaves none. If it is killed during
    the comparison, the next call does that.

    Args:
        text: "linear", or the name or folder of an encoder to fine-tune.
        pictures: "nearest", "catboost", or "" for no picture classifier.
        progress: Called after each step.

    Raises:
        TrainingError: There are too few labelled creatives, or another training is running.
        NoActiveModelError: No version is active.
        ArtefactError: The folder of the ancestor is damaged.
        WeightsError: The encoder to fine-tune can't be loaded.
        TooFewRowsError: There are too few texts to fine-tune an encoder.
    """
    with _training_lock() as models:
        exam_set.assign_unassigned()
        relatives = exam.load_relatives()
        labels, dataset = labelled().count(), examples(exam.withheld(relatives))
        active = model_versions.active()
        config = _config(models, text, pictures, active)
        # A label that is set meanwhile may be in the dataset and not in the count.
        not_analysed = max(0, labels - len(dataset))
        version = _trained_before(dataset, config)
        is_new = version is None
        if version is None:
            version = _train(dataset, config, progress, relatives)
        if "exam" not in version.metrics:
            version.metrics["labels"] = {"not_analysed": not_analysed}
            compare(version, engines.bundle(version), active, config.active)
    return Training(version, stored_comparison(version), LabelUse.of(version), is_new)


def _train(
    dataset: list[Example], config: Config, progress: Progress, relatives: Relatives
) -> ModelVersion:
    """Train a version and register it, or leave no folder behind."""
    from classifier import train
    from classifier.learning.dataset import TooFewError

    try:
        train(dataset, config, progress, relatives.families_of(dataset))
        version = model_versions.register_folder(config.folder)
        if Path(model_versions.path(version)) != config.folder:
            # The same bundle as before.
            shutil.rmtree(config.folder)
    except TooFewError as error:
        raise TrainingError(_too_few(error)) from error
    except BaseException:
        # No one would use or remove a folder without a row in the database.
        shutil.rmtree(config.folder, ignore_errors=True)
        raise
    return version


def _config(models: Path, text: str, pictures: str, active: ModelVersion) -> Config:
    from classifier.learning.types import Config

    return Config(
        folder=models / timezone.localtime().strftime("%Y-%m-%d-%H%M%S"),
        ancestor=engines.bundle(model_versions.ancestor()),
        active=_usable(active),
        text=text,
        pictures=pictures,
        encoder=_most_used_encoder() if pictures else "",
        weights_folder=settings.WEIGHTS_FOLDER,
        least_labels=settings.LEAST_LABELS_OF_SEGMENT,
        threads=settings.CPUS,
    )


def _usable(version: ModelVersion) -> Bundle | None:
    """Load the bundle of a version; None if its folder is damaged, which does not stop training."""
    from classifier.artefact import ArtefactError

    try:
        return engines.bundle(version)
    except ArtefactError as error:
        logger.warning("the folder of %s is damaged: %s", version, error)
        return None


def _trained_before(dataset: list[Example], config: Config) -> ModelVersion | None:
    """Return the newest intact version with the same examples, options and ancestor."""
    from classifier.learning.facts import origin

    wanted = origin(dataset, config)
    for version in ModelVersion.objects.order_by("-pk"):
        if facts_of(version).get("origin") == wanted and model_versions.is_intact(version):
            return version
    return None


def _too_few(error: TooFewError) -> str:
    from classifier.learning.dataset import LEAST_CREATIVES, LEAST_FAMILIES, LEAST_OTHERS

    return _(
        "There are too few labelled creatives to learn from besides the exam set: %(creatives)d, "
        "without near duplicates %(families)d, of these outside the most frequent segment "
        "%(others)d. At least %(least_creatives)d, %(least_families)d and %(least_others)d are "
        "needed."
    ) % {
        "creatives": error.creatives,
        "families": error.families,
        "others": error.others,
        "least_creatives": LEAST_CREATIVES,
        "least_families": LEAST_FAMILIES,
        "least_others": LEAST_OTHERS,
    }


def _most_used_encoder() -> str:
    """Return the encoder with the most picture vectors; vectors of several can't be mixed."""
    from collections import Counter

    names = PictureVector.objects.values_list("encoder", flat=True)
    return next((name for name, _count in Counter(names).most_common(1)), "")


@contextmanager
def _training_lock() -> Iterator[Path]:
    """Lock the folder of models for one training, and remove what killed trainings left there."""
    folder = Path(settings.DATA_DIR) / "models"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TrainingError(_("Another training is running.")) from error
        for leftover in folder.glob(".*-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield folder
