"""The app that brings the tables. It has no models: rows are read and written by desks alone."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["OmnirouteConfig"]


class OmnirouteConfig(AppConfig):  # type: ignore[misc]
    """`omniroute.contrib.django` in `INSTALLED_APPS`."""

    name = "omniroute.contrib.django"
    label = "omniroute"
    verbose_name = "omniroute"
