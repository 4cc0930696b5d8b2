"""The parts of ``attack.py``: hostile and slow clients."""
