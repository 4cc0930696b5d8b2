"""Signal receivers: links between creatives and spend, merges of segments, files of imports.

The app of creatives does not import spend, so receivers make the links. ``bulk_create`` sends no
signal: ``segment_changes.catch_up`` links such creatives.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.db.models.signals import post_delete, post_save, pre_delete
from django.dispatch import receiver
from django.utils.translation import gettext as _

from creativefilter.accounts.audit import Action, record
from creativefilter.creatives.models import Creative
from creativefilter.creatives.segments.signals import merge_described, segments_mapped
from creativefilter.creatives.segments.usage import Affected
from creativefilter.spend.models import Advertisement, MonthlySpend, SpendImport
from creativefilter.spend.totals import creative_links, recount_jobs, spend_totals
from creativefilter.ui.formats import format_number

IDENTITY = {"advertisement_id", "is_demo"}


@receiver(post_save, sender=Creative)
def keep_link(
    instance: Creative, created: bool, update_fields: Collection[str] | None, **_signal: Any
) -> None:
    """Link a saved creative to its spend; mark the spend stale if ID or media changed."""
    written = set(update_fields) if update_fields is not None else IDENTITY | {"current_media"}
    if not created and written & IDENTITY:
        # Unlink advertisements whose Advertisement ID this creative no longer has.
        Advertisement.objects.filter(creative=instance).exclude(
            advertisement_id=instance.advertisement_id or ""
        ).update(creative=None, stale=True)
    if written & IDENTITY:
        creative_links.link_one(instance)
    if not created and "current_media" in written:
        Advertisement.objects.filter(creative=instance).update(stale=True)


@receiver(pre_delete, sender=Creative)
def mark_stale(instance: Creative, **_signal: Any) -> None:
    """Have the spend of a deleted creative counted again, without the creative's segment."""
    Advertisement.objects.filter(creative=instance).update(stale=True)


@receiver(segments_mapped)
def count_again(counted: int, **_signal: Any) -> None:
    """Have all spend of a segment counted again, because some of it counts elsewhere now."""
    # Waits for a recount that still moves spend to this segment.
    spend_totals.lock()
    Advertisement.objects.filter(segment=counted).update(stale=True)
    transaction.on_commit(recount_jobs.keep_up, robust=True)


@receiver(merge_described)
def describe_spend(affected: Affected, **_signal: Any) -> list[str]:
    """Return a sentence with the spend that a merge moves."""
    condition = affected.advertisements(
        "advertisement__creative", "advertisement__advertisement_id"
    )
    sums = MonthlySpend.objects.filter(condition).aggregate(Sum("amount"), Sum("placements"))
    return [
        _("Spend: %(amount)s ₽, placements: %(placements)s.")
        % {
            "amount": format_number(sums["amount__sum"] or 0, 2),
            "placements": format_number(sums["placements__sum"] or 0),
        }
    ]


@receiver(post_delete, sender=SpendImport)
def note_deletion(instance: SpendImport, **_signal: Any) -> None:
    """Record in the audit log who deleted an import."""
    record(Action.SPEND_DELETED, instance.name)


@receiver(post_delete, sender=SpendImport)
def remove_file(instance: SpendImport, **_signal: Any) -> None:
    """Delete the file of a deleted import after the commit, so that a rollback loses nothing."""
    file = instance.file
    if file.name:
        transaction.on_commit(lambda: file.storage.delete(str(file.name)), robust=True)
