"""Creatives with fingerprints of generated sounds and pictures, stored as a worker stores them."""

from __future__ import annotations

import hashlib
from functools import cache

from creativefilter.creatives.families import fingerprints, grouping
from creativefilter.creatives.families.fingerprints import NewFingerprint
from creativefilter.creatives.models import Creative, MediaVersion
from tests.near_duplicates import SPEECH, melody, scenes


@cache
def made(seed: int, seconds: int = 12, pictures: int = 6) -> NewFingerprint:
    """Make the fingerprint of a spot, or of its first seconds and pictures; a seed is a spot."""
    sound = melody(seed, 12)[: seconds * 16_000]
    return fingerprints.make(
        sound, scenes(seed, 6)[:pictures], f"{SPEECH} {seed}" if pictures else ""
    )


def arrived(
    fingerprint: NewFingerprint | None, name: str = "", *, is_demo: bool = False
) -> Creative:
    """Create a creative, with its fingerprint stored if one is given."""
    creative = Creative.objects.create(
        name=name or f"{Creative.objects.count()}.mp4", state=Creative.State.DONE, is_demo=is_demo
    )
    new_media(creative)
    if fingerprint:
        grouping.store(media_of(creative), fingerprint)
    return creative


def new_media(creative: Creative) -> MediaVersion:
    digest = hashlib.sha256(f"{creative.pk} {creative.media.count()}".encode()).hexdigest()
    creative.current_media = MediaVersion.objects.create(
        creative=creative, original_name=creative.name, sha256=digest, size=1, seconds=12.0
    )
    creative.save(update_fields=["current_media"])
    return creative.current_media


def media_of(creative: Creative) -> MediaVersion:
    assert creative.current_media is not None
    return creative.current_media


def together(*creatives: Creative) -> bool:
    """Whether these creatives, and no others, are one family."""
    numbers = {grouping.family_of(creative) for creative in creatives}
    if len(numbers) != 1 or None in numbers:
        return False
    return set(grouping.members(creatives[0])) == set(creatives)
