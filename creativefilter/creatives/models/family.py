"""Near duplicates: fingerprints of the current media, what they share, the families they make."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Family(models.Model):
    """One spot in several lengths, prices, end cards. It has two members at least."""

    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("family of near duplicates")
        verbose_name_plural = _("families of near duplicates")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return str(self.pk)


class Fingerprint(models.Model):
    """What a creative's current media sounds like, shows and says (``classifier.fingerprints``).

    A creative has one at most: that of an older media version goes when a newer one comes.
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
    # uint32, uint64 and uint32, little-endian.
    sound = models.BinaryField(_("sound"))
    pictures = models.BinaryField(_("pictures"))
    words = models.BinaryField(_("words"))
    has_pictures = models.BooleanField(_("has pictures"))
    # False where the library that hears was not there.
    heard = models.BooleanField(_("its sound was compared"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("fingerprint")
        verbose_name_plural = _("fingerprints")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.media_id}"


class FingerprintKey(models.Model):
    """An entry of the index in which fingerprints are found again."""

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


class FamilyLink(models.Model):
    """Two fingerprints that are one spot, and by what: shares from 0 to 1."""

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
