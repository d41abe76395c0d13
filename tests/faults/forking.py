"""Many processes for the price of one start: import everything, warm up, then fork."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from functools import partial
from typing import NoReturn

import omniroute as om
from tests.faults.office import entry_point, office, open_desks, perform

__all__ = ["fork", "team", "warm_desks"]


def warm_desks(url: str) -> om.Desks:
    """Return desks that have done once what is slow the first time. Adds a desk named `warm`.

    They are connected when they are forked: no process may speak on another's connection.
    """
    desks = open_desks(url)
    for name in desks.ids():
        desks[name].entry_points()
    desk = desks.create(office("warm", agents=1, queues=1, soft_max=1))
    desk.set_available("a00")
    talk = {"conversation": "", "by": "a00"}
    for what in ("receive", "reply", "note", "end"):
        given = {"desk": desk.id, "do": what, "mark": what, "key": what}
        answer = perform(desks, given | talk | {"door": entry_point(0), "contact": "me"})
        talk["conversation"] = answer["conversation"]
    return desks


def fork(work: Callable[[], None]) -> int:
    """Run `work` in a new process and return the process's id at once."""
    return os.fork() or _run(work)


def _run(work: Callable[[], None]) -> NoReturn:
    code = 1
    try:
        work()
        code = 0
    except BaseException:  # noqa: BLE001  (nobody else would ever see it)
        traceback.print_exc()
    finally:
        os._exit(code)


def team(count: int, work: Callable[[int], None]) -> bool:
    """Run `work` in so many processes at once, each with its number; whether all went well."""
    members = [fork(partial(work, number)) for number in range(count)]
    codes = [os.waitpid(member, 0)[1] for member in members]
    return not any(codes)
