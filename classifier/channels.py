"""The channels: the sources of evidence for a creative's segment.

Bundles, stored predictions, stages, states and the API use these names.
"""

from __future__ import annotations

SPEECH = "speech"
"""The spoken words, as Whisper transcribes them."""
SCREEN = "screen"
"""The words read from the frames."""
PICTURES = "pictures"
"""The look of the frames, as a picture vector."""

CHANNELS = (SPEECH, SCREEN, PICTURES)
"""All channels, in the order of the bits of ``Opinions.masks`` and of the features of a stack."""

FORMER_NAMES = {"video": PICTURES}
"""From the names in bundles of older releases to the names of today."""


def current_name(name: str) -> str:
    """Return the current name of a channel, given its current or its former name."""
    return FORMER_NAMES.get(name, name)
