"""What others may hear of jobs; this app asks nobody and expects nothing."""

from django.dispatch import Signal

# A job came to its end (``job``: its row as it is now, in a final state). Sent inside the
# transaction that ends it: what a receiver writes is committed with the end, or not at all, and a
# receiver that raises keeps the job from ending. Receivers write rows and do nothing slow.
job_ended = Signal()
