"""Every public method that takes an instant or a duration, found by its annotations: bad ones are told.

A method that is added is in here without a word. Only what its other parameters need has to be said,
in `GIVEN`, where their names are new.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

import omniroute as om
from omniroute import testing
from omniroute.clock import ManualClock
from omniroute.testing import MONDAY, Play, a_config, an_inbound

NAIVE = datetime(2026, 3, 2, 9, 0)  # noqa: DTZ001  (naive on purpose)

INSTANTS: dict[str, Any] = {
    "naive": NAIVE,
    "date": date(2026, 3, 2),
    "text": "2026-03-02T09:00:00+00:00",
    "number": 1_772_442_000,
    "fraction": 1_772_442_000.5,
    "switch": True,
    "duration": timedelta(hours=1),
    "something": object(),
}
DURATIONS: dict[str, Any] = {
    "no unit": "15",
    "empty": "",
    "unknown unit": "2 weeks",
    "below zero": timedelta(seconds=-1),
    "endless": "999999999d",
    "number": 900,
    "fraction": 1.5,
    "switch": True,
    "instant": MONDAY,
    "something": object(),
}

GIVEN: dict[str, Any] = {
    "access": next(iter(om.Access)),
    "agent": "ana",
    "amount": "1h",
    "by": "ana",
    "code": "123456",
    "config": a_config(agents=("ana",)),
    "contact": "p_1",
    "conversation": "c_1",
    "count": 1,
    "end": MONDAY,
    "entry_point": "main",
    "inbound": an_inbound(),
    "into": "p_2",
    "items": an_inbound(),
    "message": "m_1",
    "number": "+4930123456",
    "operation": "take",
    "keep": "p_1",
    "other": "p_2",
    "refused": None,
    "request": an_inbound(),
    "store": "memory://",
    "wait": lambda seconds: seconds,
    "start": MONDAY,
    "tags": "vip",
    "text": "Hello",
    "to": "ana",
    "within": "1h",
}
"""What parameters without a default are given."""

MORE: dict[tuple[str, str], dict[str, Any]] = {
    ("snooze", "now"): {"for_": "1h"},
    ("start", "now"): {"contact": "p_1"},
    ("engage", "now"): {"contact": "p_1"},
}
"""What some methods need besides."""

CLASSES: tuple[type, ...] = (
    *(om.Desk, om.Acting, om.Staff, om.Contacts, om.Numbers, om.Draft, om.Desks),
    *(om.BusinessHours, om.AsyncDesk, ManualClock, Play),
)


def parameters() -> Iterator[Any]:
    """Yield each public method with each of its parameters that is an instant or a duration."""
    for cls in CLASSES:
        for name, method in inspect.getmembers(cls, inspect.isfunction):
            if name.startswith("_") and name != "__init__":
                continue
            for each in inspect.signature(method).parameters.values():
                if found := re.search(r"\b(datetime|timedelta)\b", str(each.annotation)):
                    bad = (
                        INSTANTS
                        if found[0] == "datetime" and "str" not in str(each.annotation)
                        else DURATIONS
                    )
                    label = f"{cls.__name__}.{name}({each.name})"
                    yield pytest.param(cls, name, each.name, bad, id=label)


@pytest.fixture(scope="module")
def owners() -> Iterator[dict[type, Any]]:
    p = testing.play(a_config(agents=("ana",)))
    p.contact("Maria").writes("Hello")
    desk = p.desk
    yield {
        om.Desk: desk,
        om.Acting: desk.acting_as("ana"),
        om.Staff: desk.staff,
        om.Contacts: desk.contacts,
        om.Numbers: desk.numbers,
        om.Draft: desk.configure(),
        om.Desks: p.desks,
        om.BusinessHours: om.hours("always"),
        Play: p,
        om.AsyncDesk: p.desks.aio["acme"],
        ManualClock: ManualClock(MONDAY),
    }
    p.close()


@pytest.mark.req("A11")
@pytest.mark.parametrize("cls,name,parameter,bad", list(parameters()))
def test_what_is_no_instant_or_duration_is_told_by_the_name_it_was_given_as(
    owners: dict[type, Any], cls: type, name: str, parameter: str, bad: dict[str, Any]
) -> None:
    owner: Any = cls if name == "__init__" else owners[cls]
    method = cls if name == "__init__" else getattr(owner, name)
    signature = inspect.signature(method)
    needed = {
        each.name: GIVEN[each.name]
        for each in signature.parameters.values()
        if each.default is each.empty
        and each.name != parameter
        and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
    }
    takes_numbers = "int" in str(
        inspect.signature(getattr(cls, name)).parameters[parameter].annotation
    )
    desk = owners[om.Desk]
    before = list(desk.changes())
    for label, value in bad.items():
        if label == "number" and takes_numbers:
            continue
        given = needed | MORE.get((name, parameter), {}) | {parameter: value}
        bound = bind(signature, given)
        with pytest.raises(om.UsageError) as raised:
            done(method(*bound.args, **bound.kwargs))
        assert raised.value.where == parameter, label
        assert raised.value.expected, label
        assert raised.value.got, label
    assert list(desk.changes()) == before


def bind(signature: inspect.Signature, given: dict[str, Any]) -> inspect.BoundArguments:
    bound = signature.bind_partial()
    for name, each in signature.parameters.items():
        if name in given:
            spread = each.kind is each.VAR_POSITIONAL
            bound.arguments[name] = (given[name],) if spread else given[name]
    return bound


def done(result: Any) -> Any:
    """Carry a call out: what is awaited or looked through begins only then."""
    if inspect.isasyncgen(result) or isinstance(result, AsyncIterator):
        return asyncio.run(_first(result))
    if inspect.isawaitable(result):
        return asyncio.run(_awaited(result))
    return next(result) if isinstance(result, Iterator) else result


async def _awaited(result: Any) -> Any:
    return await result


async def _first(result: Any) -> Any:
    return await anext(result)
