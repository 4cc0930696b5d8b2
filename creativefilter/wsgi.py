"""The web application. Loads no machine-learning library."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")

application = get_wsgi_application()
