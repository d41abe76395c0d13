"""What others' code raised, in the log: which class and where, and not its text.

An adapter's or a plugin's exception may quote a URL or a header that holds a secret (R15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniroute.lazy import later

if TYPE_CHECKING:
    import logging
    import traceback
else:
    logging, traceback = later(globals(), None, "logging", "traceback")

__all__ = ["tell_stumble"]


def tell_stumble(error: BaseException, text: str, *values: object) -> None:
    """Write to the log `omniroute.desk` what went wrong and where an error came from, without its text."""
    places = [
        f"\n  {frame.f_code.co_filename}:{line} in {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    log = logging.getLogger("omniroute.desk")
    log.error("%s: %s, raised at%s", text % values, type(error).__name__, "".join(places))
