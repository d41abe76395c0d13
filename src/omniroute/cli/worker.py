"""`omniroute worker URL`: tick and deliver for every desk of a store, until it is told to stop."""

from __future__ import annotations

import signal
from contextlib import suppress
from queue import Empty, SimpleQueue

import click

from omniroute.cli.console import console
from omniroute.cli.stored import store_opened

__all__ = ["worker"]


@click.command(short_help="Tick and deliver for every desk of a store.")
@click.argument("store")
@click.option("--every", default="1s", show_default=True, help="Pause when nothing is due.")
@click.option("--once", is_flag=True, help="Do what is due now, and stop.")
def worker(store: str, *, every: str, once: bool) -> int:
    """Fire deadlines and send messages for every desk of STORE (its URL), as they come due.

    Any number of workers may run: they share the desks. Stops after the present round on SIGTERM or
    SIGINT. Where no database is, or one without tables, it says so and makes none. Secrets are found
    in the environment, by the names that the configuration gives.
    """
    # Not an Event: a signal may come while its wait holds the lock that its set would wait for.
    signals: SimpleQueue[int] = SimpleQueue()

    def wait(seconds: float) -> None:
        with suppress(Empty):
            signals.put(signals.get(timeout=seconds))

    with store_opened(store) as desks:
        working = desks.worker(wait=wait, every=every)
        if once:
            done = working.round()
            console().print(
                f"{done.desks} desks, {done.fired} deadlines fired, {done.tried} messages tried"
            )
            return 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda heard, _: signals.put(heard))
        console().print("working; stop with Ctrl-C")
        working.run(lambda: not signals.empty())
    return 0
