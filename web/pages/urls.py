"""Addresses of the pages a student sees."""

from django.urls import path

from web.pages import views

urlpatterns = [
    path("", views.home, name="home"),
    path("c/<slug:course_slug>/<slug:slug>/", views.exercise, name="exercise"),
]
