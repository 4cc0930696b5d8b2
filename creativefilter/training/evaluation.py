"""What a model is worth on labelled creatives, and which of them it has learned from itself.

Figures on creatives that taught a model say how well it remembers. They are told apart here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from creativefilter import sheets
from creativefilter.creatives import ids
from creativefilter.creatives.analysis.decision import features_of
from creativefilter.creatives.families import grouping as families
from creativefilter.creatives.labels.imports import segment_number
from creativefilter.creatives.refused_rows import CellError, RefusedRow, RowsError
from creativefilter.sheets import Field, Finding, SheetError
from creativefilter.site.database import in_batches
from creativefilter.site.errors import UserError
from creativefilter.training.labelled_creatives import labelled, ready

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from classifier.decision.bundle import Bundle
    from classifier.decision.types import SpotFeatures
    from classifier.evaluation.figures import Evaluation
    from classifier.text.training import TrainingRow

_SPLITS = ("train", "valid")


@dataclass(frozen=True, slots=True)
class Judgement:
    """Figures on all creatives, and on those that the model has not seen.

    ``seen`` creatives taught the model; ``alike`` more are near duplicates of these. ``unseen``
    are the figures without both; None where all were seen, or none.
    """

    everything: Evaluation
    unseen: Evaluation | None
    seen: int
    alike: int


def read_transcripts(path: Path) -> tuple[list[TrainingRow], list[Finding]]:
    """The rows of a table with segments, texts and, optionally, a column ``split``.

    Without that column every split is "". Also returns what was found in the table. Raises
    ``SheetError``, and ``RowsError`` that names the rows which can't be used.
    """
    from classifier.text.training import TrainingRow

    rows: list[TrainingRow] = []
    problems: list[RefusedRow] = []
    with sheets.opened(path) as document:
        reading = document.only()
        parted = any(Field.SPLIT in table.heading.fields for table in reading.tables)
        for record in sheets.records(
            reading,
            (Field.SEGMENT_NUM, Field.SEGMENT),
            Field.TEXT,
            optional=[Field.SPLIT, Field.ADVERTISEMENT_ID],
        ):
            if record.problem:
                problems.append(RefusedRow(record.place, record.problem))
                continue
            segment, text, split, name = record.cells
            try:
                ids.check_digits(name)
                number = segment_number(segment)
                rows.append(TrainingRow(number, _text(str(text)), _split(str(split), parted)))
            except (CellError, ids.IdError) as error:
                problems.append(RefusedRow(record.place, str(error)))
    if problems:
        raise RowsError(problems)
    if not rows:
        raise SheetError("table_no_rows")
    return rows, reading.findings()


def _text(cell: str) -> str:
    if not cell.strip():
        raise CellError(_("the text is blank."))
    return cell


def _split(cell: str, parted: bool) -> str:
    if parted and cell not in _SPLITS:
        raise CellError(_("the split is neither train nor valid: %s.") % cell[:40])
    return cell


def of_transcripts(rows: Sequence[TrainingRow], families: NDArray[np.int64]) -> pd.DataFrame:
    """Return a table for ``judge`` of creatives of which only the transcript is known.

    ``families`` (rows,): the number of each row's family of near duplicates.
    """
    from classifier.decision.types import SpotFeatures
    from classifier.speech.cleaning import assess_speech

    speeches = [assess_speech(row.text) for row in rows]
    features = [SpotFeatures(speech=one.text if one.spoken else "") for one in speeches]
    return _table(features, [row.segment for row in rows], [row.text for row in rows], families)


def of_database() -> tuple[pd.DataFrame, int]:
    """Return a table for ``judge`` of the labelled creatives that are analysed, and the number of
    labelled creatives that are not analysed.

    Demonstration creatives are left out. Raises ``UserError`` when there are none.
    """
    from classifier.learning.dataset import families_of

    known = families.numbers()
    features, segments, heard, related = [], [], [], []
    for creative in in_batches(ready()):
        media = creative.current_media
        transcript = media.transcripts.first()
        features.append(features_of(media))
        segments.append(creative.label_segment)
        heard.append(transcript.text if transcript else "")
        related.append(known.get(creative.pk))
    if not features:
        raise UserError(_("There are no labelled creatives that are analysed."))
    left_out = labelled().count() - len(features)
    return _table(features, segments, heard, families_of(features, related)), left_out


def _table(
    features: list[SpotFeatures],
    segments: list[int],
    heard: list[str],
    families: NDArray[np.int64],
) -> pd.DataFrame:
    # Loaded where it is needed: pages that only show figures do without it.
    import pandas as pd

    return pd.DataFrame(
        {"features": features, "segment": segments, "heard": heard, "family": families}
    )


def judge(bundle: Bundle, creatives: pd.DataFrame) -> Judgement:
    """Evaluate the bundle on labelled creatives: on all, and on those that it was not trained on.

    ``creatives`` has a row for each creative and these columns:

    - ``features``: ``SpotFeatures``;
    - ``segment``: the number of its canonical segment;
    - ``heard``: its transcript as the recogniser wrote it;
    - ``family``: the number of its family of near duplicates.

    A near duplicate of a training text is recognised only if that text is among ``creatives``.
    """
    seen = seen_by(bundle, creatives)
    known = creatives["family"].isin(creatives.loc[seen, "family"])
    alone = known.any() and not known.all()
    return Judgement(
        everything=_evaluation(bundle, creatives),
        unseen=_evaluation(bundle, creatives[~known]) if alone else None,
        seen=int(seen.sum()),
        alike=int(known.sum() - seen.sum()),
    )


def _evaluation(bundle: Bundle, creatives: pd.DataFrame) -> Evaluation:
    return bundle.evaluate(
        creatives["features"].tolist(),
        creatives["segment"].tolist(),
        creatives["family"].to_numpy(),
    )


def seen_by(bundle: Bundle, creatives: pd.DataFrame) -> pd.Series[bool]:
    """Return for each creative whether the bundle was trained on it, with the index of
    ``creatives``.

    A creative counts if the bundle has a fingerprint of its transcript, of its cleaned speech or
    of the words on its screen.
    """
    import pandas as pd

    from classifier.text.families import fingerprints

    result = pd.Series(False, creatives.index)
    features = creatives["features"]
    for texts in (
        creatives["heard"],
        features.map(lambda one: one.speech),
        features.map(lambda one: one.screen),
    ):
        # Texts without a letter are all alike.
        says = texts.map(lambda text: any(sign.isalnum() for sign in text))
        taught = pd.Series(fingerprints(texts.tolist()), texts.index).isin(bundle.parts.seen)
        result |= says & taught
    return result


@contextmanager
def enough_rows() -> Iterator[None]:
    """Say in the reader's language that folds can't be made of so few. Raises ``UserError``."""
    from classifier.learning.cross_validation import TooFewRowsError
    from classifier.text.training import FOLDS

    try:
        yield
    except TooFewRowsError as error:
        raise UserError(
            _(
                "Folds need at least %(folds)d families of near duplicates and two segments with "
                "two families or more; here are %(families)d and %(segments)d."
            )
            % {"folds": FOLDS, "families": error.families, "segments": error.segments}
        ) from error
