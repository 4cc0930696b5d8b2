"""The analysts' segments, and the groups in which pages show them."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

# The largest number of a segment. Addresses and spend store numbers of up to four digits.
LARGEST_NUMBER = 9999


def _in_language(russian: str, english: str) -> str:
    """Return the text in the reader's language; the other one if it is blank."""
    texts = (english, russian) if (get_language() or "").startswith("en") else (russian, english)
    return texts[0] or texts[1]


class SegmentGroup(models.Model):
    """A market whose segments are shown together."""

    key = models.SlugField(_("key"), max_length=32, primary_key=True)
    name = models.CharField(_("name"), max_length=128)
    name_en = models.CharField(_("English name"), max_length=128, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("group of segments")
        verbose_name_plural = _("groups of segments")
        ordering = ["position", "key"]

    def __str__(self) -> str:
        return _in_language(self.name, self.name_en)


class SegmentQuerySet(models.QuerySet["Segment"]):
    def unmerged(self) -> SegmentQuerySet:
        """Leave out segments that were merged into another one."""
        return self.filter(merged_into__isnull=True)

    def in_use(self) -> SegmentQuerySet:
        """Return the segments that labels can have: neither merged nor retired."""
        return self.unmerged().filter(retired_at__isnull=True)


class Segment(models.Model):
    """A segment of the market. Its number is never changed or used again, so no row is deleted.

    A merged segment keeps its labels and predictions; they count under ``merged_into`` (see
    ``counted_segment``). A retired segment can't be chosen any more; what has it keeps it.
    """

    number = models.PositiveSmallIntegerField(
        _("number"), primary_key=True, validators=[MaxValueValidator(LARGEST_NUMBER)]
    )
    name = models.CharField(_("name"), max_length=128)
    name_en = models.CharField(_("English name"), max_length=128, blank=True)
    criteria = models.TextField(_("when to choose it"), blank=True)
    criteria_en = models.TextField(_("when to choose it, in English"), blank=True)
    group = models.ForeignKey(
        SegmentGroup,
        verbose_name=_("group"),
        null=True,
        on_delete=models.PROTECT,
        related_name="segments",
    )
    # Never a merged segment itself: if that is merged in turn, this one follows.
    merged_into = models.ForeignKey(
        "self",
        verbose_name=_("counts as"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="merged",
    )
    # The segment that was chosen for the merge. ``merged_into`` follows from it.
    merge_target = models.ForeignKey(
        "self",
        verbose_name=_("merged into"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="merged_directly",
    )
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    objects = SegmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} · {self.title}"

    @property
    def title(self) -> str:
        """The name in the reader's language."""
        return _in_language(self.name, self.name_en)

    @property
    def description(self) -> str:
        """The criteria in the reader's language."""
        return _in_language(self.criteria, self.criteria_en)


def counted_segment(path: str = "segment") -> Coalesce:
    """Return an expression for the number of the segment that a row counts under.

    That is the segment into which the row's own one was merged, or its own one.

    Args:
        path: Lookup path from the queried model to its segment.
    """
    return Coalesce(
        f"{path}__merged_into_id",
        f"{path}_id",
        output_field=models.PositiveSmallIntegerField(),
    )
