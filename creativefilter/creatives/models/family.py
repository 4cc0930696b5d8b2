"""Near duplicates: fingerprints of current media, links between them, and families."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Family(models.Model):
    """One spot in several lengths, prices, end cards; at least two creatives."""

    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("family of near duplicates")
        verbose_name_plural = _("families of near duplicates")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return str(self.pk)


class Fingerprint(models.Model):
    """Fingerprint of a creative's current media by sound, pictures and words.

    A creative has one at most: the fingerprint of a new media version replaces the former one. See
    ``classifier.fingerprints``.
    """

    media = models.OneToOneField(
        "creatives.MediaVersion",
        verbose_name=_("media"),
        on_delete=models.CASCADE,
        related_name="fingerprint",
    )
    family = models.ForeignKey(
        Family,
        verbose_name=_("family of near duplicates"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="fingerprints",
    )
    method = models.CharField(_("method"), max_length=64)
    # Arrays of uint32 (sound), uint64 (pictures) and uint32 (words), little-endian.
    sound = models.BinaryField(_("sound"))
    pictures = models.BinaryField(_("pictures"))
    words = models.BinaryField(_("words"))
    has_pictures = models.BooleanField(_("has pictures"))
    # False if chromaprint was not installed.
    sound_compared = models.BooleanField(_("its sound was compared"), db_column="heard")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("fingerprint")
        verbose_name_plural = _("fingerprints")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.media_id}"


class FingerprintKey(models.Model):
    """An entry of the index by which similar fingerprints are looked up."""

    key = models.BigIntegerField(_("key"))
    fingerprint = models.ForeignKey(
        Fingerprint,
        verbose_name=_("fingerprint"),
        on_delete=models.CASCADE,
        related_name="keys",
    )

    class Meta:
        verbose_name = _("key of a fingerprint")
        verbose_name_plural = _("keys of fingerprints")
        indexes = [models.Index(fields=["key", "fingerprint"])]

    def __str__(self) -> str:
        return f"{self.key:x}"


class UnitMember(models.Model):
    """The exam unit that a creative belongs to; see ``families.exam_set``.

    The creative is no foreign key: the row stays when it is deleted, because a version that learned
    it can't be judged on its relatives.
    """

    creative_key = models.BigIntegerField(_("key of the creative"), primary_key=True)
    unit = models.BigIntegerField(_("exam unit"), db_index=True)

    class Meta:
        verbose_name = _("member of an exam unit")
        verbose_name_plural = _("members of exam units")

    def __str__(self) -> str:
        return f"{self.creative_key}: {self.unit}"


class FamilyLink(models.Model):
    """Two fingerprints of one spot, and the shares (0 to 1) that they have in common."""

    first = models.ForeignKey(
        Fingerprint, verbose_name=_("fingerprint"), on_delete=models.CASCADE, related_name="+"
    )
    second = models.ForeignKey(
        Fingerprint, verbose_name=_("fingerprint"), on_delete=models.CASCADE, related_name="+"
    )
    strength = models.FloatField(_("strength"))
    sound = models.FloatField(_("same sound"))
    pictures = models.FloatField(_("same pictures"))
    words = models.FloatField(_("same words"), null=True)

    class Meta:
        verbose_name = _("link between near duplicates")
        verbose_name_plural = _("links between near duplicates")
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="one_link_per_pair"),
            models.CheckConstraint(
                condition=models.Q(first__lt=models.F("second")), name="links_are_ordered"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_id}–{self.second_id}"
