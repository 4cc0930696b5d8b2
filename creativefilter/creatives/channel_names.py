"""Titles of the channels, and former state names that old links and programs still use."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from classifier.channels import PICTURES, SCREEN, SPEECH

TITLES = {SPEECH: _("Speech"), SCREEN: _("Screen"), PICTURES: _("Pictures")}

FORMER_STATES = {"transcribing": SPEECH, "reading": SCREEN, "seeing": PICTURES}
"""Former values of ``Creative.state``, accepted by filters."""
