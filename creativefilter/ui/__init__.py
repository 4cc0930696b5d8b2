"""Shared parts of the pages: formatted numbers and dates, base classes of the admin."""
