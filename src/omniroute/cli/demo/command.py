"""The command `omniroute demo`."""

from __future__ import annotations

import click

__all__ = ["demo"]


@click.command(short_help="Drive a whole desk through signed webhooks.")
def demo() -> int:
    """Drive a whole desk through signed webhooks, in virtual time.

    Needs the extras sql and http. Exits with 1 where an item was lost, or the desk and its provider
    disagree.
    """
    from omniroute.cli.console import console
    from omniroute.cli.demo.show import perform

    return 0 if perform(console()).ok else 1
