"""Decisions: what leads set, the parameters that follow, the inputs of each, and its changes."""

from __future__ import annotations

import math
import struct
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from classifier.channels import CHANNELS
from creativefilter.creatives.models.segment import Segment


class DecisionSettings(models.Model):
    """Target precision and mix of segments, as a lead set them. Rows are only added.

    The newest row counts. The first one has no author: it comes from the environment.
    """

    precision = models.FloatField(_("target precision"))
    # Share by segment number, in any unit; a segment that is left out keeps its share in training.
    mix = models.JSONField(_("mix of segments"), null=True)
    note = models.CharField(_("note"), max_length=255, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("author"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(_("set"), auto_now_add=True)

    class Meta:
        verbose_name = _("settings of decisions")
        verbose_name_plural = _("settings of decisions")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.precision:.1%}"

    @property
    def priors(self) -> dict[int, float] | None:
        """The mix with numbers as keys, or None."""
        return {int(number): share for number, share in self.mix.items()} if self.mix else None


class DecisionParameters(models.Model):
    """The parameters of the rule for one model version and one row of settings. Never changed."""

    model_version = models.ForeignKey(
        "creatives.ModelVersion", on_delete=models.CASCADE, related_name="+"
    )
    settings = models.ForeignKey(DecisionSettings, on_delete=models.PROTECT, related_name="+")
    rule_version = models.PositiveSmallIntegerField()
    # "numbers" (the segments), "factors" (of the mix, for each), "thresholds" (by mask), "clash".
    values = models.JSONField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["model_version", "settings", "rule_version"], name="parameters_once"
            )
        ]

    def shares(self, logarithms: tuple[float, ...]) -> dict[str, float]:
        """Return the probabilities of fused logarithms under the mix, by segment number."""
        factors = self.values["factors"]
        weights = [math.exp(one) * factor for one, factor in zip(logarithms, factors, strict=True)]
        total = sum(weights)
        if not total:  # the mix excludes all segments that are possible
            return self.plain_shares(logarithms)
        return self._named(weight / total for weight in weights)

    def plain_shares(self, logarithms: tuple[float, ...]) -> dict[str, float]:
        """Return the probabilities of logarithms without the mix, by segment number."""
        powers = [math.exp(one) for one in logarithms]
        total = sum(powers)
        return self._named(power / total for power in powers)

    def _named(self, shares: Any) -> dict[str, float]:
        return dict(zip(map(str, self.values["numbers"]), shares, strict=True))


class DecisionInputs(models.Model):
    """What a decision is computed from, as `classifier.decision.rule.Inputs`. Never changed.

    Only ``evidence`` may be filled in later: it depends on the inputs alone.
    """

    prediction = models.OneToOneField(
        "creatives.Prediction", on_delete=models.CASCADE, related_name="inputs", primary_key=True
    )
    # The channels, bit n is CHANNELS[n].
    mask = models.PositiveSmallIntegerField()
    # float16 logarithms, as ``Inputs.pack`` writes them; b"" without a channel.
    values = models.BinaryField()
    likeness = models.FloatField(null=True)
    # By name: {"score": …, "threshold": …}.
    gates = models.JSONField(default=dict)
    # By channel: "evidence" (deciding words) and "neighbours" (similar labelled creatives); None if
    # it was not computed.
    evidence = models.JSONField(null=True)

    class Meta:
        default_permissions = ()

    @property
    def channels(self) -> list[str]:
        """The channels of the creative, in the order of ``CHANNELS``."""
        return [name for bit, name in enumerate(CHANNELS) if self.mask >> bit & 1]

    def logarithms(self) -> list[tuple[float, ...]]:
        """Return the logarithms: fused, then of each of ``channels``; nothing without a channel."""
        packed = bytes(self.values)
        if not packed:
            return []
        length = len(packed) // (1 + len(self.channels))
        return [
            struct.unpack(f"<{length // 2}e", packed[begin : begin + length])
            for begin in range(0, len(packed), length)
        ]


class DecisionChange(models.Model):
    """A change of segment or decision that other settings caused. Rows are only added."""

    prediction = models.ForeignKey(
        "creatives.Prediction", on_delete=models.CASCADE, related_name="changes"
    )
    settings = models.ForeignKey(DecisionSettings, on_delete=models.PROTECT, related_name="+")
    from_segment = models.ForeignKey(
        Segment, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    to_segment = models.ForeignKey(
        Segment, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    from_decision = models.CharField(max_length=8)
    to_decision = models.CharField(max_length=8)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        ordering = ["-pk"]
