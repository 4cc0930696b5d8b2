"""Signals that this app sends to other apps. It works without any receiver."""

from django.dispatch import Signal

# A job ended. Argument ``job``: its current row, in a final state. Sent inside the transaction that
# ends the job: rows that a receiver writes are committed together with the end, and an exception
# of a receiver rolls the end back. Receivers must be fast and only write rows.
job_ended = Signal()

# Jobs wait for a worker. Argument ``jobs``: a list of one to thousands of rows as they are in the
# database; ``sender`` is the class Job. Sent after the commit when jobs were created, reached their
# next stage, were released after an accident, or are retried. Not sent for jobs that wait for other
# jobs (``NotYet``). Receivers may fail: the sweep finds queued jobs without a message.
job_queued = Signal()
