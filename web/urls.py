"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import URLPattern, URLResolver, include, path

from web.api.api import api
from web.people.accounts import NewPassword, PasswordChanged, SignOut

handler500 = "web.pages.views.broken"
urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", api.urls),
    path("accounts/login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", SignOut.as_view(), name="logout"),
    path("accounts/password/", NewPassword.as_view(), name="password_change"),
    path("accounts/password/done/", PasswordChanged.as_view(), name="password_change_done"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("", include("web.pages.urls")),
]
