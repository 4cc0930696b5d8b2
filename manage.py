#!/usr/bin/env python
"""Django's command line."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")
    from creativefilter.site.commands import main

    main(sys.argv)
