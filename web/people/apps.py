from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class CourseAdminConfig(AdminConfig):
    default_site = "web.people.site.Site"


class PeopleConfig(AppConfig):
    name = "web.people"
    verbose_name = _("People")
