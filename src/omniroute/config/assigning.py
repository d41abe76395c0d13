"""The keys of `assign`: who may be given what waits, and what comes first.

A part of `config.shape`; what values mean together is `rules.assign_checks`'.
"""

from __future__ import annotations

from typing import TypeVar

from attrs import evolve

from omniroute.config.reading import (
    Notes,
    Read,
    Table,
    choice,
    duration,
    flag,
    integer,
    is_digits,
    many,
    table,
    text,
    texts,
    whole,
)
from omniroute.model.assign import AssignMode, AssignSettings, Compare, Segment, Selector
from omniroute.rules.names import join

__all__ = ["assign"]

T = TypeVar("T")


@table
def _selector(fields: Table) -> Selector | None:
    level = fields.need("levels", _levels, None, expected='levels, as ">= 3", "== 5" or "in 2, 3"')
    expires = fields.take("expires", duration, None)
    return None if level is None else evolve(level, expires=expires)


def _levels(notes: Notes, value: object, path: str) -> Selector | None:
    """Read what is asked of a skill: a lowest level, or a comparison with levels."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Selector("", Compare.AT_LEAST, (value,))
    words = value.strip() if isinstance(value, str) else ""
    compare = next((each for each in Compare if words.startswith(each)), Compare.AT_LEAST)
    numbers = words.removeprefix(compare).replace(",", " ").split()
    one = compare is not Compare.IN
    if not numbers or not all(map(is_digits, numbers)) or (one and len(numbers) > 1):
        notes.expected(path, 'levels, as 3, ">= 3", "== 5" or "in 2, 3"', value)
        return None
    return Selector("", compare, tuple(map(int, numbers)))


def _skills(notes: Notes, value: object, path: str) -> tuple[Selector, ...] | None:
    """Read what a queue asks of agents, by skill: levels, or a table with `levels` and `expires`."""

    def one(notes: Notes, value: object, path: str) -> Selector | None:
        return (_selector if isinstance(value, dict) else _levels)(notes, value, path)

    found = many(one)(notes, value, path)
    if found is None:
        return None
    return tuple(evolve(each, skill=name) for name, each in found.items())


@table
def _segment(fields: Table) -> Segment | None:
    attribute = fields.need("attribute", text, None, expected="a contact's attribute")
    value = fields.need("value", text, None, expected="the value that goes in front")
    return None if attribute is None or value is None else Segment(attribute, value)


def _listed(read: Read[T]) -> Read[tuple[T, ...]]:
    def each(notes: Notes, value: object, path: str) -> tuple[T, ...] | None:
        if not isinstance(value, list):
            notes.expected(path, "a list", value)
            return None
        found = [read(notes, item, join(path, index)) for index, item in enumerate(value)]
        return tuple(item for item in found if item is not None)

    return each


@table
def assign(fields: Table) -> AssignSettings:
    """Read one layer of `assign`."""
    return AssignSettings(
        mode=fields.take("mode", choice(AssignMode), None),
        cascade=fields.take("cascade", texts, None),
        widen_after=fields.take("widen_after", duration, None),
        percent=fields.take("percent", many(whole), None),
        open_after=fields.take("open_after", duration, None),
        priority=fields.take("priority", integer, None),
        prioritized=fields.take("prioritized", flag, None),
        ageing=fields.take("ageing", duration, None),
        classes=fields.take("classes", flag, None),
        skills=fields.take("skills", _skills, None),
        segments=fields.take("segments", _listed(_segment), None),
        sticky_within=fields.take("sticky_within", duration, None),
        sticky_wait=fields.take("sticky_wait", duration, None),
        overflow=fields.take("overflow", texts, None),
        overflow_after=fields.take("overflow_after", duration, None),
        overflow_at=fields.take("overflow_at", whole, None),
        reserve_after=fields.take("reserve_after", duration, None),
        maximum=fields.take("maximum", whole, None),
        estimate_over=fields.take("estimate_over", whole, None),
        waiting_message=fields.take("waiting_message", text, None),
        menu_wait=fields.take("menu_wait", text, None),
        full_message=fields.take("full_message", text, None),
    )
