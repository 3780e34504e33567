"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, PasswordChangeDoneView
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from web.api.api import api
from web.courses import api as exercises
from web.engines.panel import views as ai
from web.fleet import bill
from web.fleet import page as fleet
from web.hints import api as hints
from web.hints import explanations, replies
from web.ops.actions import log
from web.ops.doctor.page import setup
from web.ops.hints import acts, export, page, timeline
from web.ops.records.calls import calls
from web.ops.records.tasks import tasks
from web.pages import views
from web.pages.words import ladder
from web.people.accounts import Leave, NewPassword, SignOut
from web.people.auth import AUTH

api.add_router("", hints.router, auth=AUTH)
api.add_router("", replies.router, auth=AUTH)
api.add_router("", explanations.router, auth=AUTH)
api.add_router("", exercises.router, auth=AUTH)
handler500 = "web.pages.views.broken"
urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", api.urls),
    path(
        "accounts/login/",
        # The ladder is a function: it is asked in each reader's language.
        LoginView.as_view(redirect_authenticated_user=True, extra_context={"ladder": ladder}),
        name="login",
    ),
    path("accounts/logout/", SignOut.as_view(), name="logout"),
    path("accounts/password/", NewPassword.as_view(), name="password_change"),
    path(
        "accounts/password/done/",
        PasswordChangeDoneView.as_view(template_name="pages/password_done.html"),
        name="password_change_done",
    ),
    path("accounts/leave/", Leave.as_view(), name="leave"),
    path("ops/", RedirectView.as_view(pattern_name="ops_fleet")),
    path("ops/fleet/", fleet.fleet, name="ops_fleet"),
    path("ops/fleet/now/", fleet.fleet_now, name="ops_fleet_now"),
    path("ops/fleet/charts/", fleet.fleet_charts, name="ops_fleet_charts"),
    path("ops/fleet/plan/", fleet.fleet_plan, name="ops_fleet_plan"),
    path("ops/cost/", bill.cost, name="ops_cost"),
    path("ops/log/", log, name="ops_log"),
    path("ops/setup/", setup, name="setup"),
    path("ops/hints/", page.hints, name="ops_hints"),
    path("ops/hints/<uuid:hint_id>/", timeline.hint, name="ops_hint"),
    path("ops/hints/saved/", page.saved, name="ops_hints_saved"),
    path("ops/hints/act/", acts.act, name="ops_hints_act"),
    path("ops/hints/act/<int:action_id>/", acts.action, name="ops_hints_action"),
    path("ops/hints/export/", export.export, name="ops_hints_export"),
    path("ops/calls/", calls, name="ops_calls"),
    path("ops/tasks/", tasks, name="ops_tasks"),
    path("ops/ai/", ai.page, name="ops_ai"),
    path("ops/ai/known/", ai.known, name="ops_ai_known"),
    path("ops/ai/models/", ai.models, name="ops_ai_models"),
    path("ops/ai/test/", ai.test, name="ops_ai_test"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    # The admin's pages name no icon, so browsers ask here.
    path("favicon.ico", RedirectView.as_view(url=static("pages/favicon.svg"))),
    path("", views.home, name="home"),
    path("c/<slug:course_slug>/<slug:slug>/", views.exercise, name="exercise"),
]
