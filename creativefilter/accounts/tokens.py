"""Access tokens of programs: issue, list and revoke them.

Knox stores a hash and the first characters of a token, so that neither a page nor a dump of the
database can show the token again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from knox.models import AuthToken

from creativefilter.accounts.audit import Action, record
from creativefilter.accounts.models import TokenDetails
from creativefilter.accounts.roles import may_change_user
from creativefilter.site.errors import UserError

# Precision of ``last_used_at``, so that a program that polls does not cause a write each time.
LAST_USE_PRECISION = timedelta(minutes=10)
# Most unexpired tokens of one user. With each request that a token authenticates, Knox reads all
# tokens of its owner.
MOST = 100


class TooManyError(UserError):
    """The user has ``MOST`` tokens already."""

    def __init__(self, user: User) -> None:
        super().__init__(_("%s has as many tokens as one user may have.") % user.get_username())


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token. Its ``value`` is not stored anywhere."""

    details: TokenDetails
    value: str


def issue(user: User, name: str = "", days: int | None = None) -> Issued:
    """Create a token and write an audit entry.

    Args:
        user: The owner.
        name: What the token is for.
        days: Lifetime; by default ``TOKEN_DAYS``.

    Raises:
        TooManyError: The user has ``MOST`` tokens already.
    """
    if unexpired().filter(token__user=user).count() >= MOST:
        raise TooManyError(user)
    lifetime = timedelta(days=settings.TOKEN_DAYS if days is None else days)
    with transaction.atomic():
        token, value = AuthToken.objects.create(user=user, expiry=lifetime)
        details = TokenDetails.objects.select_related("token__user").get(token=token)
        details.name = name
        details.save(update_fields=["name"])
        record(Action.TOKEN_CREATED, f"{user}: {details}", days=lifetime.days)
    return Issued(details, value)


def unexpired() -> QuerySet[TokenDetails]:
    """Return the unexpired tokens, newest first."""
    rows = TokenDetails.objects.select_related("token__user")
    return rows.filter(token__expiry__gt=timezone.now()).order_by("-pk")


def within_reach(user: User | AnonymousUser) -> QuerySet[TokenDetails]:
    """Return the unexpired tokens that a user may see.

    These are the tokens of all users if the user has the permission ``knox.delete_authtoken``, else
    the user's own. ``may_revoke`` decides which of them the user may revoke.
    """
    rows = unexpired()
    return rows if user.has_perm("knox.delete_authtoken") else rows.filter(token__user=user.pk)


def may_revoke(user: User | AnonymousUser, owner: User) -> bool:
    """Return whether ``user`` may revoke the tokens of ``owner``.

    All users may revoke their own tokens. With the permission ``knox.delete_authtoken`` they may
    also revoke those of others, but only superusers those of superusers (``may_change_user``).
    """
    if user.pk == owner.pk:
        return True
    return user.has_perm("knox.delete_authtoken") and may_change_user(user, owner)


def revoke(details: TokenDetails) -> None:
    """Revoke a token by deleting it, and write an audit entry."""
    with transaction.atomic():
        record(Action.TOKENS_REVOKED, f"{details.token.user}: {details}", count=1)
        details.token.delete()


def revoke_all(user: User, but: AuthToken | None = None) -> int:
    """Revoke all tokens of a user by deleting them, and write one audit entry if there are any.

    Args:
        user: The owner.
        but: A token to keep.

    Returns:
        The number of deleted tokens, which may include expired ones.
    """
    rows = AuthToken.objects.filter(user=user)
    if but is not None:
        rows = rows.exclude(pk=but.pk)
    with transaction.atomic():
        # The number must not include the details, which are deleted with their tokens.
        count = int(rows.delete()[1].get(AuthToken._meta.label, 0))
        if count:
            record(Action.TOKENS_REVOKED, user, count=count)
    return count


def record_use(token: AuthToken) -> None:
    """Set the time of the last use, at most once in ``LAST_USE_PRECISION``."""
    now = timezone.now()
    last = token.details.last_used_at
    if last is None or last < now - LAST_USE_PRECISION:
        TokenDetails.objects.filter(token=token).update(last_used_at=now)


def describe(sender: Any, instance: Any, created: bool, raw: bool = False, **signal: Any) -> None:
    """Create the ``TokenDetails`` of a new token (receiver of ``post_save``).

    A token that is loaded from a fixture (``raw``) gets none: the fixture has its details.
    """
    if created and not raw:
        TokenDetails.objects.create(token=instance)
