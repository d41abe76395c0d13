"""Phone numbers: their E.164 form (U63)."""

from __future__ import annotations

import re
from typing import Final

from omniroute.rules.names import quoted

__all__ = ["number_problem"]

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


def number_problem(number: str) -> str | None:
    """Return what is wrong with a number, or None: E.164 has a plus, the country, no spaces (U63).

    Countries and their lengths are asked of `phonenumbers` where configurations are checked.
    """
    if _E164.fullmatch(number):
        return None
    return f"{quoted(number)} is no number with its country; expected such as +4930901820"
