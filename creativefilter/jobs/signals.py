"""What others may hear of jobs; this app asks nobody and expects nothing."""

from django.dispatch import Signal

# A job came to its end (``job``: its row as it is now, in a final state). Sent inside the
# transaction that ends it: what a receiver writes is committed with the end, or not at all, and a
# receiver that raises keeps the job from ending. Receivers write rows and do nothing slow.
job_ended = Signal()

# Jobs wait for a worker (``sender``: the class Job; ``jobs``: a list of rows as they are in the
# database, one or thousands): they were created, are at their next stage, were given back after an
# accident, or are retried. Sent once they are committed; a rollback sends nothing. Not sent for
# jobs that wait for others (``NotYet``). A receiver may be left out or raise: the sweep looks for
# queued jobs that no message was sent for.
job_queued = Signal()
