"""The settings of decisions: target precision and mix of segments, as leads set them."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from creativefilter.accounts.audit import Action, record
from creativefilter.creatives import model_versions
from creativefilter.creatives.models import DecisionSettings


def current() -> DecisionSettings:
    """Return the settings that count: the newest row."""
    return DecisionSettings.objects.first() or ensure_first()


def ensure_first() -> DecisionSettings:
    """Write the first row from the environment, unless there is a row; return the newest one.

    Later changes of the environment have no effect: the page decides.
    """
    newest = DecisionSettings.objects.first()
    if newest:
        return newest
    first = of_environment()
    first.save()
    return first


def of_environment() -> DecisionSettings:
    """Return the settings of the environment, as a row that is not saved."""
    return DecisionSettings(precision=settings.TARGET_PRECISION, mix=_as_json(settings.SEGMENT_MIX))


def is_first(row: DecisionSettings) -> bool:
    """Return whether no other settings counted before these; False if they are not saved."""
    return row.pk is not None and not DecisionSettings.objects.filter(pk__lt=row.pk).exists()


def change(
    precision: float, mix: Mapping[int, float] | None, author: User | None, note: str = ""
) -> DecisionSettings:
    """Add a row, which counts from now on, and write the audit log.

    Stored decisions are not changed; see ``analysis.redecision.decide_again``.

    Args:
        precision: The target precision, 0 to 1.
        mix: Share by segment number, in any unit; None for the shares in the training data.
        author: The user who sets them.
        note: Why.
    """
    with transaction.atomic():
        model_versions.lock()
        row = DecisionSettings.objects.create(
            precision=precision, mix=_as_json(mix), author=author, note=note
        )
        record(
            Action.DECISIONS_SET, row, by=author or "", precision=precision, mix=row.mix, note=note
        )
    return row


def _as_json(mix: Mapping[int, float] | None) -> dict[str, float] | None:
    return {str(number): share for number, share in mix.items()} if mix else None
