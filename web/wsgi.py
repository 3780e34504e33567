"""The WSGI entry: pages and API under gunicorn; /v1/events needs web.asgi beside it."""

import os

from django.core.wsgi import get_wsgi_application

from broker.settings import exit_on_bad_settings

exit_on_bad_settings()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
application = get_wsgi_application()
