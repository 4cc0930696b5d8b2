"""A family is made anew when a fingerprint of it is deleted."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver

from creativefilter.creatives.families import grouping
from creativefilter.creatives.models import Fingerprint


@receiver(pre_delete, sender=Fingerprint)
def family_as_it_is(instance: Fingerprint, **_: Any) -> None:
    """Note the family before the first row goes.

    The lock keeps a worker from finding a near duplicate in the meantime.
    """
    grouping.lock()
    rows = Fingerprint.objects.filter(pk=instance.pk)
    instance.family_id = rows.values_list("family", flat=True).first()


@receiver(post_delete, sender=Fingerprint)
def family_without_it(instance: Fingerprint, **_: Any) -> None:
    """Group the rest of the family anew: one that is left alone has no family."""
    if instance.family_id:
        grouping.without(instance.family_id)
