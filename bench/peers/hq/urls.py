"""Where the views are."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("notifications/", include("notifications.urls", namespace="notifications"))]
