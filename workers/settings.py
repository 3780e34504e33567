"""Django's settings in a worker process: those of the site, with the apps of its models alone.

Admin, API and pages would take 8 MB of each worker, which serves none of them.
"""

from web.settings import *  # noqa: F403
from web.settings import DATABASES
from web.settings import INSTALLED_APPS as SITE_APPS

LEFT_OUT = frozenset(
    {
        "web.people.adminapp.CourseAdminConfig",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
        "axes",
        "ninja",
        "web.pages",
    }
)
INSTALLED_APPS = [app for app in SITE_APPS if app not in LEFT_OUT]
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A worker reads each row once: the pages that SQLite keeps by itself would be 2 MB of each.
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA cache_size=-512;"
