"""Plugins: a few hooks, one plugin manager per registry, nothing global.

A plugin is any object or module with functions marked `hookimpl`. Packages name theirs under the
entry point group `omniroute`; hosts and tests pass theirs to `Registry`.
"""

from omniroute.plugins.hookspecs import hookimpl, hookspec
from omniroute.plugins.registry import Registry

__all__ = ["Registry", "hookimpl", "hookspec"]
