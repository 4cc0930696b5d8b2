"""How much of the queue one person may take."""

from __future__ import annotations


class QuotaExceeded(Exception):
    """The owner has as many open jobs as allowed; the message is a sentence for that person."""
