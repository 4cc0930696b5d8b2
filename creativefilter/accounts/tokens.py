"""Access tokens of programs: made, shown once, looked through, revoked.

Only a hash is kept (knox), so neither a page nor a dump can show a token again.
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
from creativefilter.site.errors import UserError

# How often the time of the last use is written: a program that polls costs no write each time.
USE_KEPT_EVERY = timedelta(minutes=10)
# Of one user at the same time; each of them is looked at with every request.
MOST = 100


class TooManyError(UserError):
    """The user has as many tokens as one may have."""

    def __init__(self, user: User) -> None:
        super().__init__(_("%s has as many tokens as one may have.") % user.get_username())


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token; ``value`` is never to be had again."""

    details: TokenDetails
    value: str


def issue(user: User, name: str = "", days: int | None = None) -> Issued:
    """A token that lives for so many days, for ``TOKEN_DAYS`` without a number.

    Raises ``TooManyError``.
    """
    if alive().filter(token__user=user).count() >= MOST:
        raise TooManyError(user)
    lifetime = timedelta(days=settings.TOKEN_DAYS if days is None else days)
    with transaction.atomic():
        token, value = AuthToken.objects.create(user=user, expiry=lifetime)
        details = TokenDetails.objects.select_related("token__user").get(token=token)
        details.name = name
        details.save(update_fields=["name"])
        record(Action.TOKEN_CREATED, f"{user}: {details}", days=lifetime.days)
    return Issued(details, value)


def alive() -> QuerySet[TokenDetails]:
    """Those that still open something, the newest first."""
    rows = TokenDetails.objects.select_related("token__user")
    return rows.filter(token__expiry__gt=timezone.now()).order_by("-pk")


def within_reach(user: User | AnonymousUser) -> QuerySet[TokenDetails]:
    """Those that a user sees and may revoke: everybody's with that permission, else one's own."""
    rows = alive()
    return rows if user.has_perm("knox.delete_authtoken") else rows.filter(token__user=user.pk)


def revoke(details: TokenDetails) -> None:
    """From now on it opens nothing."""
    with transaction.atomic():
        record(Action.TOKENS_REVOKED, f"{details.token.user}: {details}", count=1)
        details.token.delete()


def revoke_all(user: User, but: AuthToken | None = None) -> int:
    """Revoke every token of a user, but for one; return how many."""
    rows = AuthToken.objects.filter(user=user)
    if but is not None:
        rows = rows.exclude(pk=but.pk)
    with transaction.atomic():
        # Details are deleted along with their tokens; those are not counted.
        count = int(rows.delete()[1].get(AuthToken._meta.label, 0))
        if count:
            record(Action.TOKENS_REVOKED, user, count=count)
    return count


def used(token: AuthToken) -> None:
    """Notes that a token was used just now."""
    now = timezone.now()
    last = token.details.last_used_at
    if last is None or last < now - USE_KEPT_EVERY:
        TokenDetails.objects.filter(token=token).update(last_used_at=now)


def describe(sender: Any, instance: Any, created: bool, raw: bool = False, **signal: Any) -> None:
    """Whoever makes a token, its details are there."""
    if created and not raw:
        TokenDetails.objects.create(token=instance)
