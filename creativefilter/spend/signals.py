"""Signal receivers: links between creatives and spend, and files of deleted imports.

The app of creatives does not import spend, so receivers make the links. ``bulk_create`` sends no
signal: ``segment_changes.catch_up`` links such creatives.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_delete
from django.dispatch import receiver

from creativefilter.accounts.audit import Action, record
from creativefilter.creatives.models import Creative
from creativefilter.spend.models import Advertisement, SpendImport
from creativefilter.spend.totals import creative_links

IDENTITY = {"advertisement_id", "is_demo"}


@receiver(post_save, sender=Creative)
def keep_link(
    instance: Creative, created: bool, update_fields: Collection[str] | None, **_: Any
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
def mark_stale(instance: Creative, **_: Any) -> None:
    """Have the spend of a deleted creative counted again, without the creative's segment."""
    Advertisement.objects.filter(creative=instance).update(stale=True)


@receiver(post_delete, sender=SpendImport)
def note_deletion(instance: SpendImport, **_: Any) -> None:
    """Record in the audit log who deleted an import."""
    record(Action.SPEND_DELETED, instance.name)


@receiver(post_delete, sender=SpendImport)
def remove_file(instance: SpendImport, **_: Any) -> None:
    """Delete the file of a deleted import after the commit, so that a rollback loses nothing."""
    file = instance.file
    if file.name:
        transaction.on_commit(lambda: file.storage.delete(str(file.name)), robust=True)
