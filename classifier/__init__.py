"""Machine learning for advertising creatives: media, speech, text, decision.

Plain Python: no Django, no Celery, no database. Every function takes paths, arrays and options
and gives back frozen dataclasses. Importing this package loads no heavy library.
"""
