"""Titles of the channels, and former state names that old links and programs still use."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from classifier.channels import CHANNELS, PICTURES, SCREEN, SPEECH

TITLES = {SPEECH: _("Speech"), SCREEN: _("Screen"), PICTURES: _("Pictures")}

FORMER_STATES = {"transcribing": SPEECH, "reading": SCREEN, "seeing": PICTURES}
"""Former values of ``Creative.state``, accepted by filters."""


def channels_text(mask: int) -> str:
    """Return the titles of channels, such as "Speech + Screen"; bit n is ``CHANNELS[n]``."""
    return " + ".join(str(TITLES[name]) for bit, name in enumerate(CHANNELS) if mask >> bit & 1)
