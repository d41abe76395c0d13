"""What the app's migrations are made of: the revisions of `omniroute.stores.sql.migrations`.

There is one history of the tables, and Django's migrations run it on Django's connection: each names
its revision. A revision is a snapshot, so an old migration does tomorrow what it does today.
"""

from __future__ import annotations

from typing import Any

from django.db import router
from django.db.migrations.operations.base import Operation

from omniroute.stores.sql.scripts import tables_of, upgrade_statements

__all__ = ["Revision"]


class Revision(Operation):  # type: ignore[misc]
    """Applies a revision of the tables. One that only creates tables can be taken back."""

    reduces_to_sql = True

    def __init__(self, revision: str) -> None:
        self.revision = revision
        self._tables = tables_of(revision)
        self.reversible = self._tables is not None

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: there are no models."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Run the revision's statements."""
        del from_state, to_state
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            for statement in upgrade_statements(self.revision, schema_editor.connection.vendor):
                schema_editor.execute(statement, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Drop the tables that the revision created, with everything in them."""
        del from_state, to_state
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            for table in reversed(self._tables or ()):
                schema_editor.execute(f"DROP TABLE {table}", params=None)

    def describe(self) -> str:
        """Return a line for the log of migrations."""
        return f"Tables of omniroute, revision {self.revision}"

    @property
    def migration_name_fragment(self) -> str:
        """Return what a migration of this operation alone is named after."""
        return f"revision_{self.revision}"
