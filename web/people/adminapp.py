"""The admin as an app; apart from people's own, as a worker process has no use for it."""

from __future__ import annotations

import django_stubs_ext
from django.contrib.admin.apps import AdminConfig

# Lets the classes of the admin name their model as a type parameter.
django_stubs_ext.monkeypatch()


class CourseAdminConfig(AdminConfig):
    default_site = "web.people.site.Site"
