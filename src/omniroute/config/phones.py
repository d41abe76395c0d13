"""Phone numbers as countries have them, where the extra `phone` is installed (U63)."""

from __future__ import annotations

from collections.abc import Iterator

from omniroute.errors import Problem
from omniroute.model.desk_config import DeskConfig
from omniroute.rules.names import join, quoted
from omniroute.rules.numbers import number_problem

__all__ = ["phone_problems"]


def phone_problems(config: DeskConfig) -> Iterator[Problem]:
    """Yield the numbers that no country has. Without `phonenumbers`, only their form is checked."""
    written = [number for number in config.numbers if not number_problem(number)]
    if not written:
        return
    try:
        import phonenumbers
    except ImportError:
        return
    for number in written:
        try:
            possible = phonenumbers.is_possible_number(phonenumbers.parse(number))
        except phonenumbers.NumberParseException:
            possible = False
        if not possible:
            yield Problem(join("numbers", number), f"{quoted(number)} is a number of no country")
