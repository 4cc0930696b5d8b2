"""Celery tasks: each is a decorator and one call of a service.

``publishing`` is the only module that sends messages to the broker.
"""
