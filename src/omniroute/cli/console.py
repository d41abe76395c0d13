"""One way to print for all commands: colour where the terminal can, plain text everywhere else."""

from __future__ import annotations

import os
import sys
from typing import Final

from rich.console import Console

__all__ = ["console"]

_WIDEST: Final = 110
_NOT_A_TERMINAL: Final = 100


def console(*, stderr: bool = False) -> Console:
    """Return a console on standard output, or on standard error.

    It is plain where the output is no terminal, where the terminal is dumb, and where `NO_COLOR` is
    set to anything (https://no-color.org); lines are no longer than is good to read.
    """
    stream = sys.stderr if stderr else sys.stdout
    if hasattr(stream, "reconfigure"):
        # A terminal that cannot show an arrow shows a question mark, which beats a traceback.
        stream.reconfigure(errors="replace")
    plain = bool(os.environ.get("NO_COLOR"))
    made = Console(
        file=stream,
        color_system=None if plain else "auto",
        highlight=False,
        emoji=False,
        markup=False,
    )
    made.width = min(made.width, _WIDEST) if made.is_terminal else _NOT_A_TERMINAL
    return made
