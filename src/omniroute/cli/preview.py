"""`omniroute preview ENTRY_POINT TEXT --store URL`: what would happen, changing nothing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from omniroute.cli.stored import desk_option, json_option, opened, print_json, say, store_option
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute import codec
else:
    (codec,) = later(globals(), "omniroute", "codec")

__all__ = ["preview"]


@click.command(short_help="Say what would happen to a message, changing nothing.")
@click.argument("entry_point")
@click.argument("text")
@click.option("--contact", default="somebody", show_default=True, help="The sender's address.")
@click.option("--at", help="When, as 2026-03-02T09:00+01:00; without, now.")
@store_option
@desk_option
@json_option
def preview(
    entry_point: str,
    text: str,
    contact: str,
    at: str | None,
    store: str | None,
    desk: str | None,
    *,
    as_json_: bool,
) -> None:
    """Say where TEXT on ENTRY_POINT would go and who would get it, now or at another instant."""
    instant = None if at is None else _instant(at)
    with opened(store, desk) as found:
        seen = found.preview(entry_point, text, contact=contact, at=instant)
        if as_json_:
            print_json(codec.as_json(seen))
            return
        say(seen.as_text())


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(
            f"--at takes an instant, as 2026-03-02T09:00+01:00, got {text!r}"
        ) from None
