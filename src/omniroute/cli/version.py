"""`omniroute version`: which omniroute this is, and on which Python."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import click

from omniroute.lazy import later

if TYPE_CHECKING:
    from importlib import metadata
else:
    (metadata,) = later(globals(), "importlib", "metadata")

__all__ = ["version"]


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(f"omniroute {metadata.version('omniroute')} (Python {platform.python_version()})")
