"""Celery tasks. A task is a decorator and one call of a service; ``publishing`` is the only module
that talks to the broker."""
