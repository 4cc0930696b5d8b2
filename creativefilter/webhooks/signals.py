"""What this app tells the rest of the project."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import transaction
from django.dispatch import Signal

from creativefilter.webhooks.models import Endpoint

# Something has to be sent to endpoints now (``sender``: the class Endpoint; ``endpoints``: a list
# of their keys as text). Sent after the commit of what has to be sent. A receiver may be left out
# or raise: the sweep looks for what is due.
deliveries_due = Signal()


def tell_after_commit(endpoints: Callable[[], Sequence[str]]) -> None:
    """Sends ``deliveries_due`` after the commit of the current transaction; a rollback does not.

    ``endpoints`` is called then.
    """
    transaction.on_commit(
        lambda: deliveries_due.send(sender=Endpoint, endpoints=endpoints()),
        # What has committed is not undone by a receiver that raises: it is logged.
        robust=True,
    )
