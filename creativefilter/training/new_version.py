"""Training of a model version from labels, compared with the active version."""

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
from creativefilter.training.labelled_creatives import labelled, ready

if TYPE_CHECKING:
    from classifier.evaluation.figures import Evaluation
    from classifier.learning.dataset import Example, TooFewError

Progress = Callable[[str], None]


class TrainingError(UserError):
    """Training is not possible; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Figures of the new and of the active version, on the same held-out creatives.

    Attributes:
        new: Of a model that was trained like the new version, but without these creatives.
        old: Of the active version.
        old_trained_on: Number of these creatives that the active version was trained on.
    """

    new: Evaluation
    old: Evaluation
    old_trained_on: int


@dataclass(frozen=True, slots=True)
class LabelUse:
    """How many labelled creatives a training used, and why it did not use the others.

    Attributes:
        used: Creatives that the version was trained on.
        not_analysed: Creatives without a result of any channel.
        without_evidence: Analysed creatives without speech, text on the screen or a picture vector
            that the version uses.
    """

    used: int
    not_analysed: int
    without_evidence: int

    @property
    def labels(self) -> int:
        return self.used + self.not_analysed + self.without_evidence

    def __str__(self) -> str:
        """The numbers as sentences in the active language."""
        sentences = [
            _("Labels used: %(used)d of %(all)d.") % {"used": self.used, "all": self.labels}
        ]
        if self.not_analysed:
            sentences.append(_("Creatives that are not analysed yet: %d.") % self.not_analysed)
        if self.without_evidence:
            sentences.append(
                _("Creatives without speech, text on the screen or pictures: %d.")
                % self.without_evidence
            )
        return " ".join(sentences)


def examples() -> list[Example]:
    """Return the labelled, analysed creatives as training examples, without the demonstration."""
    from classifier.learning.dataset import Example

    known = grouping.families_by_creative()
    return [
        Example(
            str(creative.pk),
            creative.label_segment,
            features_of(creative.current_media),
            known.get(creative.pk),
        )
        for creative in in_batches(ready())
    ]


def learn(
    text: str, pictures: str, progress: Progress
) -> tuple[ModelVersion, Comparison, LabelUse]:
    """Train a version and register it without activating it.

    A process that is killed leaves no version.

    Args:
        text: "linear", or the name or folder of an encoder to fine-tune.
        pictures: "nearest", "catboost", or "" for no picture classifier.
        progress: Called with a sentence after each step.

    Returns:
        The new version, its comparison with the active one, and which labels were used. An earlier
        version if training gave the same bundle.

    Raises:
        TrainingError: There are too few labelled creatives, or another training is running.
        ArtefactError: The folder of the active version is damaged.
        WeightsError: The encoder to fine-tune can't be loaded.
        TooFewRowsError: There are too few texts to fine-tune an encoder.
    """
    from classifier import train
    from classifier.evaluation.figures import Evaluation
    from classifier.learning.dataset import TooFewError
    from classifier.learning.trainer import Config

    active = model_versions.active()
    base = engines.bundle(active)
    with _training_lock() as models:
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
            labels, dataset = labelled().count(), examples()
            bundle = train(dataset, config, progress)
            version = model_versions.register_folder(config.folder)
            if Path(model_versions.path(version)) != config.folder:
                # The same bundle as before: nothing was labelled since.
                shutil.rmtree(config.folder)
        except TooFewError as error:
            raise TrainingError(_too_few(error)) from error
        except BaseException:
            # No one would use or remove a folder without a row in the database.
            shutil.rmtree(config.folder, ignore_errors=True)
            raise
    figures, used = bundle.facts["hold_out"], int(bundle.facts["training"]["creatives"])
    compared = Comparison(
        Evaluation.from_facts(figures["new"]),
        Evaluation.from_facts(figures["base"]),
        int(figures["base_has_seen"]),
    )
    # A label that is set meanwhile may be in the dataset and not in the count.
    not_analysed = max(0, labels - len(dataset))
    return version, compared, LabelUse(used, not_analysed, len(dataset) - used)


def _too_few(error: TooFewError) -> str:
    from classifier.learning.dataset import LEAST_CREATIVES, LEAST_FAMILIES, LEAST_OTHERS

    return _(
        "There are too few labelled creatives to learn from: %(creatives)d, without near "
        "duplicates %(families)d, of these outside the most frequent segment %(others)d. At least "
        "%(least_creatives)d, %(least_families)d and %(least_others)d are needed."
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
