"""The WSGI application. Importing it loads no machine-learning library."""

import os

from django.core.wsgi import get_wsgi_application

from creativefilter.site.private_files import keep_private

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")

keep_private()
application = get_wsgi_application()
