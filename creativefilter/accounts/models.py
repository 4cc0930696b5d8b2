"""Models: details of access tokens beyond knox's hash, and the audit log."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from knox.models import AuthToken


class TokenDetails(models.Model):
    """Name and last use of a token; created and deleted with the token.

    URLs name a token by the primary key of this row, never by its value or hash.
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


class AuditEntry(models.Model):
    """An entry of the audit log: who did what, when and from where; see ``audit``."""

    class Action(models.TextChoices):
        LOGIN = "login", _("logged in")
        LOGIN_FAILED = "login_failed", _("failed to log in")
        LOGIN_DELAYED = "login_delayed", _("was delayed at the login")
        PASSWORD_CHANGED = "password_changed", _("password changed")
        USER_ADDED = "user_added", _("user added")
        USER_CHANGED = "user_changed", _("user changed")
        USER_DELETED = "user_deleted", _("user deleted")
        ROLE_CHANGED = "role_changed", _("role changed")
        GROUP_CHANGED = "group_changed", _("group changed")
        TOKEN_CREATED = "token_created", _("access token created")
        TOKENS_REVOKED = "tokens_revoked", _("access tokens revoked")
        WEBHOOK_ADDED = "webhook_added", _("webhook added")
        WEBHOOK_CHANGED = "webhook_changed", _("webhook changed")
        WEBHOOK_DELETED = "webhook_deleted", _("webhook deleted")
        VERSION_ACTIVATED = "version_activated", _("model version activated")
        ANCESTOR_CHOSEN = "ancestor_chosen", _("ancestor of model versions chosen")
        CREATIVE_DELETED = "creative_deleted", _("creative deleted")
        LABELS_SET = "labels_set", _("segment set for many")
        LABELS_UNDONE = "labels_undone", _("segments set for many undone")
        DECISIONS_SET = "decisions_set", _("target precision or mix of segments set")
        LABELS_IMPORTED = "labels_imported", _("labels imported")
        SEGMENT_ADDED = "segment_added", _("segment added")
        SEGMENT_CHANGED = "segment_changed", _("segment changed")
        SEGMENT_MERGED = "segment_merged", _("segment merged")
        SEGMENT_MERGE_UNDONE = "segment_merge_undone", _("merge of a segment undone")
        SEGMENT_RETIRED = "segment_retired", _("segment retired")
        SEGMENT_RESTORED = "segment_restored", _("segment brought back into use")
        SEGMENT_GROUP_SAVED = "segment_group_saved", _("group of segments added or changed")
        SPEND_IMPORTED = "spend_imported", _("spend import started")
        SPEND_DELETED = "spend_deleted", _("spend import deleted")
        SYSTEM_MENDED = "system_mended", _("findings of the system check repaired")

    at = models.DateTimeField(_("when"), default=timezone.now, db_index=True)
    # ``actor_name`` stays when the user is deleted; of a failed login it is the name entered.
    actor = models.ForeignKey(
        User, verbose_name=_("person"), on_delete=models.SET_NULL, null=True, related_name="+"
    )
    actor_name = models.CharField(_("name of the person"), max_length=150, blank=True)
    action = models.CharField(_("action"), max_length=32, choices=Action.choices, db_index=True)
    subject = models.CharField(_("what"), max_length=255, blank=True)
    address = models.CharField(_("from where"), max_length=64, blank=True)
    details = models.JSONField(_("details"), default=dict)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        default_permissions = ("view",)
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.get_action_display()} {self.subject}"
