"""Signals of this app for the rest of the project."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import transaction
from django.dispatch import Signal

from creativefilter.webhooks.models import Endpoint

# Endpoints have due deliveries (``sender``: the class Endpoint; ``endpoints``: a list of their keys
# as text). Sent after the commit of the deliveries. A missing or failing receiver loses nothing:
# the sweep finds due deliveries, too.
deliveries_due = Signal()


def announce_after_commit(endpoints: Callable[[], Sequence[str]]) -> None:
    """Send ``deliveries_due`` after the commit of the current transaction.

    Args:
        endpoints: called after the commit; returns the keys of the endpoints.
    """
    transaction.on_commit(
        lambda: deliveries_due.send(sender=Endpoint, endpoints=endpoints()),
        # A receiver that raises is logged; the caller, whose data is committed, must not fail.
        robust=True,
    )
