"""The store on SQLite or PostgreSQL, through SQLAlchemy Core."""

from omniroute.stores.sql.store import Durability, SqlStore

__all__ = ["Durability", "SqlStore"]
