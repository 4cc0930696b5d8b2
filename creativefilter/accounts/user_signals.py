"""Signal receivers: audit logins, users and groups; revoke tokens with a changed password."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from django.dispatch import receiver

from creativefilter.accounts import tokens
from creativefilter.accounts.audit import Action, record

# Fields whose changes are audited with their values. A new password has an entry without values.
WATCHED = ("username", "email", "is_active", "is_staff", "is_superuser")


@receiver(user_logged_in)
def logged_in(user: User, **signal: Any) -> None:
    record(Action.LOGIN, by=user)


@receiver(user_login_failed)
def login_failed(credentials: dict[str, Any], **signal: Any) -> None:
    record(Action.LOGIN_FAILED, by=str(credentials.get("username", "")))


@receiver(pre_save, sender=User)
def remember(instance: Any, raw: bool = False, **signal: Any) -> None:
    """Store the old values of the watched fields in ``instance._before``, for ``user_saved``.

    The value is None if the user is new or the save concerns none of these fields.
    """
    fields = signal.get("update_fields")
    of_interest = not fields or {"password", *WATCHED} & set(fields)
    before = None
    if instance.pk and of_interest and not raw:
        before = User.objects.filter(pk=instance.pk).values("password", *WATCHED).first()
    instance._before = before


@receiver(post_save, sender=User)
def user_saved(instance: Any, created: bool, raw: bool = False, **signal: Any) -> None:
    """Audit a new or changed user; revoke all tokens on a new password or deactivation."""
    before = getattr(instance, "_before", None)
    if created and not raw:
        record(Action.USER_ADDED, instance, superuser=instance.is_superuser)
    if before is None:
        return
    # Django may renew the hash at a login; that is not a new password.
    chosen = instance._password is not None or not instance.has_usable_password()
    new_password = chosen and before["password"] != instance.password
    if new_password:
        record(Action.PASSWORD_CHANGED, instance)
    changed: dict[str, Any] = {
        name: [before[name], getattr(instance, name)]
        for name in WATCHED
        if before[name] != getattr(instance, name)
    }
    if changed:
        record(Action.USER_CHANGED, instance, **changed)
    if new_password or (before["is_active"] and not instance.is_active):
        tokens.revoke_all(instance)


# Before the deletion, which sets the references to the user to null: users may delete themselves.
@receiver(pre_delete, sender=User)
def user_deleted(instance: User, **signal: Any) -> None:
    record(Action.USER_DELETED, instance)


@receiver(m2m_changed, sender=User.groups.through)
def groups_of_user(instance: Any, action: str, pk_set: Any, reverse: bool, **signal: Any) -> None:
    if action not in ("post_add", "post_remove") or not pk_set or reverse:
        return
    names = list(
        Group.objects.filter(pk__in=pk_set).order_by("name").values_list("name", flat=True)
    )
    record(Action.ROLE_CHANGED, instance, change=action.removeprefix("post_"), groups=names)


@receiver(m2m_changed, sender=Group.permissions.through)
def permissions_of_group(instance: Any, action: str, pk_set: Any, **signal: Any) -> None:
    # ``roles.synchronise`` sets the permissions of roles after migrations: no user's action.
    if action in ("post_add", "post_remove", "post_clear") and isinstance(instance, Group):
        from creativefilter.accounts.roles import Role

        if instance.name not in Role.values:
            record(Action.GROUP_CHANGED, instance)


@receiver(post_delete, sender=Group)
def group_deleted(instance: Group, **signal: Any) -> None:
    record(Action.GROUP_CHANGED, instance, deleted=True)
