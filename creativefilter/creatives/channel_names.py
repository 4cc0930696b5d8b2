"""What people read for a channel, and names that links and programs of older times still use."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from classifier.channels import PICTURES, SCREEN, SPEECH

TITLES = {SPEECH: _("Speech"), SCREEN: _("Screen"), PICTURES: _("Pictures")}

FORMER_STATES = {"transcribing": SPEECH, "reading": SCREEN, "seeing": PICTURES}
"""Former values of ``Creative.state``, accepted by filters."""
