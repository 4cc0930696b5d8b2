"""What a person wants to know of a token, beside the hash that knox keeps."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AuthToken


class TokenDetails(models.Model):
    """One row per token, made with it; it goes with it, too.

    Its number names the token in addresses: neither the value nor its hash ever does.
    """

    token = models.OneToOneField(
        AuthToken, verbose_name=_("access token"), on_delete=models.CASCADE, related_name="details"
    )
    name = models.CharField(_("name"), max_length=100, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True)

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")
        default_permissions = ()

    def __str__(self) -> str:
        return self.name or self.token.token_key
