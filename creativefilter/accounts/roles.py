"""Roles and their permissions, stored as Django groups.

Code checks permissions only (``user.has_perm``), never roles. An action without a model of its own
requires the permission that describes what it does to the data:

| action | required permission |
|---|---|
| see charts, spend behind creatives, and export them | ``creatives.view_creative`` |
| set segments, one or many, and undo that | ``creatives.add_label`` |
| train a version | ``creatives.add_modelversion`` |
| activate a version or go back to one | ``creatives.change_modelversion`` |
| set target precision and mix of segments | ``creatives.add_decisionsettings`` |
| merge, retire and import segments | ``creatives.change_segment`` |
| replace months of spend | ``spend.delete_spendrow`` |
| see the system check and run its safe repairs | ``creatives.delete_creative`` |
| see and revoke the tokens of all users | ``knox.delete_authtoken`` |

Only superusers may change superusers or revoke their tokens, whatever permissions other users have
(``may_change_user``).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """A role. Its value is the name of the group."""

    VIEWER = "viewer", _("Viewer")
    ANALYST = "analyst", _("Analyst")
    LEAD = "lead", _("Lead")


SENTENCES = {
    Role.VIEWER: _("Sees creatives, segments, spend and charts, and exports them."),
    Role.ANALYST: _(
        "Also uploads and edits creatives, sets segments, classifies tables and imports spend."
    ),
    Role.LEAD: _(
        "Also deletes creatives, replaces months of spend, trains and activates model versions,"
        " changes the segments, and manages users and their access."
    ),
}

_VIEWER = (
    "creatives.view_creative", "creatives.view_decisionsettings", "creatives.view_label",
    "creatives.view_labelbatch",
    "creatives.view_mediaversion", "creatives.view_modelversion", "creatives.view_prediction",
    "creatives.view_screenreading", "creatives.view_segment", "creatives.view_segmentgroup",
    "creatives.view_transcript", "creatives.view_waitinglabel", "creatives.view_watchedfile",
    "spend.view_advertisement", "spend.view_spendimport",
    "jobs.view_job",
    "webhooks.view_endpoint", "webhooks.add_endpoint", "webhooks.change_endpoint",
    "webhooks.delete_endpoint", "webhooks.view_delivery",
)  # fmt: skip
_ANALYST = (
    *_VIEWER,
    "creatives.add_creative", "creatives.change_creative",
    "creatives.add_label", "creatives.add_labelbatch", "creatives.change_labelbatch",
    "spend.add_spendimport",
    "tables.view_table", "tables.add_table", "tables.delete_table",
    "jobs.change_job",
)  # fmt: skip
_LEAD = (
    *_ANALYST,
    "creatives.delete_creative",
    "creatives.add_modelversion", "creatives.change_modelversion",
    "creatives.add_decisionsettings",
    "creatives.add_segment", "creatives.change_segment",
    "creatives.add_segmentgroup", "creatives.change_segmentgroup",
    "spend.delete_spendimport", "spend.delete_spendrow",
    "auth.view_user", "auth.add_user", "auth.change_user",
    "knox.view_authtoken", "knox.delete_authtoken",
)  # fmt: skip

# Permissions of each role as "app.codename". In addition, jobs, exports, tables and webhooks are
# private to their owner, and so are tokens unless the user has ``knox.delete_authtoken``.
PERMISSIONS: dict[Role, tuple[str, ...]] = {
    Role.VIEWER: _VIEWER,
    Role.ANALYST: _ANALYST,
    Role.LEAD: _LEAD,
}


def synchronise(using: str = "default", **_signal: Any) -> None:
    """Give the groups of roles the permissions in ``PERMISSIONS`` (receiver of ``post_migrate``).

    Other groups are not changed. Permissions whose model does not exist yet are left out; a later
    call adds them.

    Args:
        using: Alias of the database.
    """
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission.pk
        for permission in Permission.objects.using(using).select_related("content_type")
    }
    current: dict[str, set[int]] = defaultdict(set)
    links = Group.permissions.through.objects.using(using)
    for name, permission in links.filter(group__name__in=Role.values).values_list(
        "group__name", "permission"
    ):
        current[name].add(permission)
    existing = {group.name: group for group in Group.objects.using(using).filter(name__in=Role)}
    with transaction.atomic(using=using):
        for role, names in PERMISSIONS.items():
            group = existing.get(role) or Group.objects.using(using).create(name=role)
            wanted = {known[name] for name in names if name in known}
            if wanted != current[role]:
                group.permissions.set(wanted)


def role_of(user: User) -> Role | None:
    """Return the highest role of a user; None without a role."""
    names = {group.name for group in user.groups.all()}
    return next((role for role in reversed(Role) if role in names), None)


def may_change_user(actor: User | AnonymousUser, user: User) -> bool:
    """Return whether ``actor``, given the permission to change users, may change ``user``.

    Only superusers may change superusers.
    """
    return actor.is_superuser or not user.is_superuser


def assign(user: User, role: Role | None) -> None:
    """Give a user this role instead of any other, and with it access to the admin pages.

    Groups that are not roles stay. Superusers have access without a role, too.

    Args:
        user: The user; saved.
        role: The new role, or None to take the role and the access away.
    """
    with transaction.atomic():
        others = [group for group in user.groups.all() if group.name not in Role.values]
        own = [Group.objects.get(name=role)] if role else []
        user.groups.set([*others, *own])
        user.is_staff = role is not None or user.is_superuser
        user.save(update_fields=["is_staff"])
