"""Which creatives of the exam set a model version may be judged on: those it learned nothing of.

A version never learns a creative of the exam set. But it may have learned one before that came into
the exam set, because its family was joined with another one; or a near duplicate that only the text
shows. A version stores digests of the creatives and of the texts that it learned.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from creativefilter.creatives.models import (
    Creative,
    Label,
    MediaVersion,
    ScreenReading,
    Transcript,
    UnitMember,
)
from creativefilter.training.labelled_creatives import exam, taught

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.learning.dataset import Example

# Creatives whose media one query reads.
_BATCH = 500


def digests_of(creatives: Iterable[int]) -> NDArray[np.uint64]:
    """Return the digests by which a version remembers that it learned creatives, (creatives,).

    Args:
        creatives: Keys of creatives, which are their identifiers in training.
    """
    import numpy as np

    from classifier.learning.dataset import digest_of

    return np.array([digest_of(str(creative)) for creative in creatives], np.uint64)


@dataclass(frozen=True, slots=True)
class Relatives:
    """Creatives that were ever labelled, and the members of their exam units, with families.

    These decide what a version may be judged on. A row is a media version, because a version may
    have learned a former one; a creative without any, or a deleted one, is a row without texts.

    Attributes:
        creatives: The key of each row's creative, (rows,).
        families: The family of each row, (rows,): exam units, merged with families by text.
        texts: Fingerprints of transcript, speech and screen text, (rows, 3).
    """

    creatives: NDArray[np.int64]
    families: NDArray[np.int64]
    texts: NDArray[np.uint64]

    def families_of(self, dataset: Sequence[Example]) -> NDArray[np.int64]:
        """Return the family of each training example, (examples,).

        Args:
            dataset: Examples of labelled creatives. Those that were labelled after the relatives
                were loaded are families of their own.
        """
        import numpy as np

        pairs = zip(self.creatives.tolist(), self.families.tolist(), strict=True)
        known = dict(pairs)
        unknown = itertools.count(max(known.values(), default=-1) + 1)
        found = [known.get(int(one.id)) for one in dataset]
        return np.array([next(unknown) if one is None else one for one in found], np.int64)

    def in_families_of(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the keys of the creatives in the families of the chosen rows, (creatives,).

        Args:
            chosen: The mask of the rows, (rows,).
        """
        import numpy as np

        related = np.isin(self.families, self.families[chosen])
        result: NDArray[np.int64] = np.unique(self.creatives[related])
        return result


def judged_on(
    relatives: Relatives, learned: NDArray[np.uint64], texts: NDArray[np.uint64]
) -> set[int]:
    """Return the keys of the labelled exam creatives that a version may be judged on.

    It may not be judged on those in a family of which it learned any creative: labelled or not, in
    the exam set or not, deleted or not.

    Args:
        relatives: The rows of ``load_relatives``.
        learned: Digests of the creatives that the version learned, (creatives,).
        texts: Fingerprints of the texts that it learned, (texts,).
    """
    import numpy as np

    from classifier.text.families import fingerprints

    is_known = np.isin(relatives.texts, texts) & (relatives.texts != fingerprints([""])[0])
    is_learned = np.isin(digests_of(relatives.creatives.tolist()), learned) | is_known.any(axis=1)
    return _keys(exam()) - set(relatives.in_families_of(is_learned).tolist())


def withheld(relatives: Relatives) -> set[int]:
    """Return the keys of the taught creatives that are in a family with an exam creative.

    Only texts show that, since a unit is in the exam set as a whole. A version that learned them
    could not be judged on these exam creatives.

    Args:
        relatives: The rows of ``load_relatives``.
    """
    import numpy as np

    in_exam = sorted(_keys(Creative.objects.filter(is_exam=True)))
    is_exam = np.isin(relatives.creatives, np.array(in_exam, np.int64))
    return _keys(taught()).intersection(relatives.in_families_of(is_exam).tolist())


def _keys(creatives: QuerySet[Any]) -> set[int]:
    return set(creatives.order_by().values_list("pk", flat=True))


def load_relatives() -> Relatives:
    """Load the relatives of all creatives that were ever labelled, without the demonstration.

    It takes as long as ``families_of`` all their texts: load them once for several versions.
    """
    import numpy as np

    from classifier.decision.types import SpotFeatures
    from classifier.learning.dataset import families_of
    from classifier.text.families import fingerprints

    unit_of = _units()
    rows = [(media.creative_id, *_texts_of(media)) for media in _media_of(unit_of)]
    without_media = sorted(set(unit_of) - {row[0] for row in rows})
    rows += [(creative, "", "", "") for creative in without_media]
    creatives = [row[0] for row in rows]
    features = [SpotFeatures(speech=speech, screen=screen) for _, _, speech, screen in rows]
    texts = fingerprints([text for _, *some in rows for text in some]).reshape(-1, 3)
    families = np.zeros(0, np.int64)
    if rows:
        families = families_of(features, [unit_of[creative] for creative in creatives])
    return Relatives(np.array(creatives, np.int64), families, texts)


def _units() -> dict[int, int]:
    """Return the exam unit of each creative that was ever labelled, and of the unit's members.

    A creative that is not assigned is a unit of its own; its number is negative.
    """
    labels = Label.objects.filter(creative=OuterRef("pk"), segment__isnull=False)
    labelled = Creative.objects.real().filter(Exists(labels)).order_by().values("pk")
    units = UnitMember.objects.filter(pk__in=labelled).values("unit")
    found = {creative: -creative for (creative,) in labelled.values_list("pk")}
    members = UnitMember.objects.filter(unit__in=units).values_list("pk", "unit")
    return found | dict(members)


def _media_of(creatives: Iterable[int]) -> Iterable[Any]:
    """Yield the media versions of these creatives, with their newest texts."""
    transcripts = Transcript.objects.filter(media=OuterRef("pk")).order_by("-pk")
    readings = ScreenReading.objects.filter(media=OuterRef("pk"), problem="").order_by("-pk")
    rows: Any = MediaVersion.objects.only("creative").annotate(
        transcript=Subquery(transcripts.values("text")[:1]),
        speech=Subquery(transcripts.values("speech")[:1]),
        spoken=Subquery(transcripts.values("spoken")[:1]),
        screen=Subquery(readings.values("text")[:1]),
    )
    keys = sorted(creatives)
    for start in range(0, len(keys), _BATCH):
        yield from rows.filter(creative__in=keys[start : start + _BATCH]).order_by("pk")


def _texts_of(media: Any) -> tuple[str, str, str]:
    """Return transcript, speech and screen text of a media version; "" for what it has not."""
    speech = media.speech if media.spoken else ""
    return media.transcript or "", speech or "", media.screen or ""
