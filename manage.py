#!/usr/bin/env python
"""Django's command line."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")
    try:
        from creativefilter.site.commands import main
    except KeyboardInterrupt:
        sys.exit(130)
    main(sys.argv)
