"""What hostile and slow clients do; ``attack.py`` puts it together."""
