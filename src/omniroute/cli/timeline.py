"""`omniroute timeline STORE DESK CONVERSATION`: what happened to it, and what is to come."""

from __future__ import annotations

import click

from omniroute.cli.console import console
from omniroute.cli.stored import opened

__all__ = ["timeline"]


@click.command(short_help="Show what happened to a conversation.")
@click.argument("store")
@click.argument("desk")
@click.argument("conversation")
def timeline(store: str, desk: str, conversation: str) -> int:
    """Show everything that happened to CONVERSATION of DESK in STORE (its URL), and what is to come.

    Instants are in the desk's zone. Exits with 1 where there is no such desk or conversation.
    """
    with opened(store, desk) as found:
        console().print(found.timeline(conversation).as_text(), soft_wrap=True)
    return 0
