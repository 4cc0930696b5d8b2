"""The ASGI application."""

import os

from django.core.asgi import get_asgi_application

from creativefilter.site.private_files import keep_private

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")

keep_private()
application = get_asgi_application()
