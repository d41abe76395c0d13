"""`omniroute version`: which omniroute this is, and on which Python."""

from __future__ import annotations

import platform
from importlib.metadata import version as installed

import click

__all__ = ["version"]


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(f"omniroute {installed('omniroute')} (Python {platform.python_version()})")
