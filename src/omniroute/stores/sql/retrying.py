"""Trying again: a transaction that lost a race, or found its connection broken, leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from omniroute.errors import StoreBusy, StoreError
from omniroute.stores.sql.drivers import Fault, hint_for

__all__ = ["TRY_AGAIN", "Again", "until_done"]

T = TypeVar("T")

TRY_AGAIN: Final = (Fault.LOST, Fault.GONE, Fault.READ_ONLY)
"""What another try may mend."""

_FIRST_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 0.5  # seconds


class Again(Exception):
    """A transaction left nothing behind and may be run again."""

    def __init__(self, fault: Fault, *, will_write: bool) -> None:
        super().__init__(fault.value)
        self.fault = fault
        self.will_write = will_write


def until_done(
    once: Callable[[bool], T],
    *,
    retries: int,
    sleep: Callable[[float], None],
    gone: Callable[[], None],
) -> T:
    """Call `once(will_write)` until it raises no `Again`, after growing pauses.

    `gone` is called where the connection broke. Raises `StoreBusy` when a race was lost too often,
    and `StoreError` when there was no connection to be had.
    """
    pause, tries, will_write = _FIRST_PAUSE, 0, False
    while True:
        try:
            return once(will_write)
        except Again as again:
            will_write = will_write or again.will_write
            if again.fault is Fault.READ_ONLY:
                continue
            if again.fault is Fault.GONE:
                gone()
            tries += 1
            if tries > retries:
                failure = StoreBusy if again.fault is Fault.LOST else StoreError
                cause = again.__cause__
                hint = None if cause is None else hint_for(cause)
                raise failure(f"gave up after {tries} tries", got=f"{cause}", hint=hint) from cause
        sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
