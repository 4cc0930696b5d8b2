"""Signals about segments, for apps that creatives do not import."""

from __future__ import annotations

from django.dispatch import Signal

# Sent within the transaction of a merge or its undoing. ``counted``: the number of the segment
# under which everything that moves counted until now.
segments_mapped = Signal()

# Asks for sentences about what else a merge moves. ``affected``: ``usage.Affected``. Receivers
# return a sequence of sentences in the active language.
merge_described = Signal()
