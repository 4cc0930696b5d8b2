"""Signal receivers that regroup a family when a creative or one of its fingerprints is deleted."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver

from creativefilter.creatives.families import grouping
from creativefilter.creatives.families.lock import lock
from creativefilter.creatives.models import Creative, Fingerprint


@receiver(pre_delete, sender=Creative)
def lock_before_the_creative(**_: Any) -> None:
    """Take the lock before the deletion locks a creative: ``exam_set`` locks them in this order."""
    lock()


@receiver(pre_delete, sender=Fingerprint)
def family_as_it_is(instance: Fingerprint, **_: Any) -> None:
    """Remember the fingerprint's family before its row is deleted.

    The lock keeps a worker from linking a near duplicate to it in the meantime.
    """
    lock()
    rows = Fingerprint.objects.filter(pk=instance.pk)
    instance.family_id = rows.values_list("family", flat=True).first()


@receiver(post_delete, sender=Fingerprint)
def family_without_it(instance: Fingerprint, **_: Any) -> None:
    """Regroup the rest of the family; a single member that is left has no family."""
    if instance.family_id:
        grouping.regroup_after_deletion(instance.family_id)
