"""Evaluation of a bundle on labelled creatives, with those that it was trained on counted apart.

Figures on training creatives show how well a model remembers, so there are separate figures on the
creatives that it was not trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from creativefilter import sheets
from creativefilter.creatives import ids
from creativefilter.creatives.families import grouping as families
from creativefilter.creatives.refused_rows import CellError, RefusedRow, RowsError
from creativefilter.creatives.segments.cells import SegmentCells
from creativefilter.creatives.segments.directory import Directory
from creativefilter.sheets import Field, Finding, SheetError
from creativefilter.site.errors import UserError
from creativefilter.training.exam import digests_of
from creativefilter.training.labelled_creatives import labelled, ready, with_features

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
    """Figures on all creatives, and on those that the model was not trained on.

    ``trained_on_count``: the number of creatives that the model was trained on.
    ``near_duplicate_count``: the number of further creatives that are near duplicates of these.
    ``unseen``: the figures on the remaining creatives; None if all creatives remain or none.
    """

    all_creatives: Evaluation
    unseen: Evaluation | None
    trained_on_count: int
    near_duplicate_count: int


def read_transcripts(path: Path) -> tuple[list[TrainingRow], list[Finding]]:
    """Read a table with segments, texts and, optionally, a column ``split``.

    Args:
        path: The table.

    Returns:
        The rows, with the split "" if there is no such column, and the findings about the table.

    Raises:
        SheetError: The table can't be read, lacks a column or has no rows.
        RowsError: Rows can't be used; it has the place and the reason of each.
    """
    from classifier.text.training import TrainingRow

    rows: list[TrainingRow] = []
    problems: list[RefusedRow] = []
    cells = SegmentCells(Directory.read_or_shipped())
    with sheets.opened(path) as document:
        reading = document.only()
        has_split_column = any(Field.SPLIT in table.heading.fields for table in reading.tables)
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
                number = cells.read(segment)
                rows.append(
                    TrainingRow(number, _text(str(text)), _split(str(split), has_split_column))
                )
            except (CellError, ids.IdError) as error:
                problems.append(RefusedRow(record.place, str(error)))
    if problems:
        raise RowsError(problems)
    if not rows:
        raise SheetError("table_no_rows")
    return rows, [*reading.findings(), *cells.findings()]


def _text(cell: str) -> str:
    if not cell.strip():
        raise CellError(_("the text is blank."))
    return cell


def _split(cell: str, has_split_column: bool) -> str:
    if has_split_column and cell not in _SPLITS:
        raise CellError(_("the split is neither train nor valid: %s.") % cell[:40])
    return cell


def of_transcripts(rows: Sequence[TrainingRow], families: NDArray[np.int64]) -> pd.DataFrame:
    """Return a table for ``judge`` of creatives of which only the transcript is known.

    ``families`` (rows,): the number of each row's family of near duplicates.
    """
    import numpy as np

    from classifier.decision.types import SpotFeatures
    from classifier.speech.cleaning import assess_speech

    speeches = [assess_speech(row.text) for row in rows]
    features = [SpotFeatures(speech=one.text if one.spoken else "") for one in speeches]
    texts = [row.text for row in rows]
    return _table(
        features, [row.segment for row in rows], texts, families, np.zeros(len(rows), np.uint64)
    )


def of_database() -> tuple[pd.DataFrame, int]:
    """Return a table for ``judge`` of the labelled creatives that are analysed.

    Demonstration creatives are left out.

    Returns:
        The table, and the number of labelled creatives that are not analysed.

    Raises:
        UserError: No labelled creative is analysed.
    """
    from classifier.learning.dataset import families_of

    family_numbers = families.families_by_creative()
    features, segments, transcripts, related, keys = [], [], [], [], []
    for creative, found in with_features(ready()):
        media = creative.current_media
        transcript = media.transcripts.first()
        features.append(found)
        segments.append(creative.label_segment)
        transcripts.append(transcript.text if transcript else "")
        related.append(family_numbers.get(creative.pk))
        keys.append(creative.pk)
    if not features:
        raise UserError(_("There are no labelled creatives that are analysed."))
    left_out = labelled().count() - len(features)
    alike = families_of(features, related)
    return _table(features, segments, transcripts, alike, digests_of(keys)), left_out


def _table(
    features: list[SpotFeatures],
    segments: list[int],
    transcripts: list[str],
    families: NDArray[np.int64],
    digests: NDArray[np.uint64],
) -> pd.DataFrame:
    # Imported here because pages that only show figures do not need pandas.
    import pandas as pd

    return pd.DataFrame(
        {
            "features": features,
            "segment": segments,
            "transcript": transcripts,
            "family": families,
            "digest": digests,
        }
    )


def judge(bundle: Bundle, creatives: pd.DataFrame) -> Judgement:
    """Evaluate the bundle on labelled creatives: on all, and on those that it was not trained on.

    ``creatives`` has a row for each creative and these columns:

    - ``features``: ``SpotFeatures``;
    - ``segment``: the number of its canonical segment;
    - ``transcript``: its transcript as the recogniser wrote it;
    - ``family``: the number of its family of near duplicates;
    - ``digest``: its digest as in ``Parts.training_creatives``, 0 if it is not in the database.

    A near duplicate of a training text is recognised only if that text is among ``creatives``.
    """
    in_training = trained_on(bundle, creatives)
    is_related = creatives["family"].isin(creatives.loc[in_training, "family"])
    alone = is_related.any() and not is_related.all()
    return Judgement(
        all_creatives=_evaluation(bundle, creatives),
        unseen=_evaluation(bundle, creatives[~is_related]) if alone else None,
        trained_on_count=int(in_training.sum()),
        near_duplicate_count=int(is_related.sum() - in_training.sum()),
    )


def _evaluation(bundle: Bundle, creatives: pd.DataFrame) -> Evaluation:
    return bundle.evaluate(
        creatives["features"].tolist(),
        creatives["segment"].tolist(),
        creatives["family"].to_numpy(),
        Directory.read_or_shipped().merged_numbers(),
    )


def trained_on(bundle: Bundle, creatives: pd.DataFrame) -> pd.Series[bool]:
    """Return for each creative whether the bundle was trained on it, by the index of ``creatives``.

    That is the case if the bundle has its digest, or a fingerprint of its transcript, of its
    cleaned speech or of its screen text.
    """
    from classifier.text.families import has_fingerprint

    result = creatives["digest"].isin(bundle.parts.training_creatives)
    features = creatives["features"]
    for texts in (
        creatives["transcript"],
        features.map(lambda one: one.speech),
        features.map(lambda one: one.screen),
    ):
        result |= has_fingerprint(texts.tolist(), bundle.parts.training_fingerprints)
    return result
