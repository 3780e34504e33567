"""The WSGI entry: pages and API under gunicorn; /v1/events needs web.asgi beside it."""

import os

from django.core.wsgi import get_wsgi_application

from broker.base.settings import exit_on_bad_settings

exit_on_bad_settings()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
django = get_wsgi_application()

from web.api.body import limited_wsgi  # noqa: E402  # needs the settings of the lines above

application = limited_wsgi(django)
