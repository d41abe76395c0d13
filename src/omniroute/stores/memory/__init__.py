"""The store in memory."""

from omniroute.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]
