"""The analysts' segments."""

from __future__ import annotations

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Segment(models.Model):
    """A row of the analysts' dictionary; filled from ``classifier.segments``."""

    number = models.PositiveSmallIntegerField(_("number"), primary_key=True)
    name = models.CharField(_("name"), max_length=128)
    name_en = models.CharField(_("English name"), max_length=128)
    criteria = models.TextField(_("when to choose it"))
    criteria_en = models.TextField(_("when to choose it, in English"))

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} · {self.title}"

    @property
    def title(self) -> str:
        """The name in the reader's language."""
        return self.name_en if (get_language() or "").startswith("en") else self.name

    @property
    def description(self) -> str:
        """The criteria in the reader's language."""
        english = (get_language() or "").startswith("en")
        return self.criteria_en if english else self.criteria
