"""The first tables."""

from __future__ import annotations

from django.db import migrations

from omniroute.contrib.django.operations import Revision


class Migration(migrations.Migration):  # type: ignore[misc]
    """Revision 0001: everything as omniroute 0.1 has it."""

    initial = True
    dependencies: list[tuple[str, str]] = []  # noqa: RUF012  (Django reads it so)
    operations = [Revision("0001")]  # noqa: RUF012  (the same)
