"""Every address of the site; a test asks each of them as every role."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("tuodi.apps.settlement.api")),
]
