"""The command line: `omniroute COMMAND`. One file for each command, nothing that a host needs.

click and rich come with the extra `cli`; without them this module still loads, and says so.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

__all__ = ["main"]

_NEEDED: Final = ("click", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; `arguments` are those of the process unless given."""
    try:
        from omniroute.cli.app import run
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _NEEDED:
            raise
        _say_what_is_missing(missing)
        return 1
    return run(arguments)


def _say_what_is_missing(library: str) -> None:
    text = f'omniroute: the command line needs {library}: pip install "omniroute[cli]"'
    print(text, file=sys.stderr)
