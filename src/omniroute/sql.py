"""`om.sql`: what a host does with the database itself; the store, its tables' versions, Alembic.

Needs the extra `sql`.
"""

from omniroute.stores.sql.store import Durability, SqlStore
from omniroute.stores.sql.upgrading import include_object, status, upgrade
from omniroute.stores.sql.versions import Standing, Version

__all__ = [
    "Durability",
    "SqlStore",
    "Standing",
    "Version",
    "include_object",
    "status",
    "upgrade",
]
