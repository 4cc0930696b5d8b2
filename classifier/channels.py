"""The channels by which a creative speaks for a segment, each under its one name.

The names stand in bundles, stored predictions, stages, states and the API.
"""

from __future__ import annotations

SPEECH = "speech"
"""What is said (Whisper's transcript)."""
SCREEN = "screen"
"""The words on the pictures."""
PICTURES = "pictures"
"""What the pictures look like, as a vector."""

CHANNELS = (SPEECH, SCREEN, PICTURES)
"""In the order of the bits of a mask (``Opinions.masks``) and of the features of a stack."""

FORMER_NAMES = {"video": PICTURES}
"""Names that older bundles use."""


def current_name(name: str) -> str:
    """The name of a channel today, given that or a former one."""
    return FORMER_NAMES.get(name, name)
