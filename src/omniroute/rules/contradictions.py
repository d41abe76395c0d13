"""What settings that are in force together contradict, wherever their layers meet (U33, U34, U79).

Each setting's own limits are `rules.policy_checks`'. Here stand the rules between settings: a timer
that another always outruns, a setting that another leaves without effect. They are judged on what
is in force at a place, and told at the innermost of the layers that take part, with the other's
path: where somebody just changed something. What is switched off takes no part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from omniroute.errors import Problem
from omniroute.instants import MILLISECOND, render_duration
from omniroute.model.policy import (
    ExpirationHours,
    InactivityThen,
    NoticeSide,
    PolicySettings,
)
from omniroute.model.values import frozen
from omniroute.rules.names import join

__all__ = ["contradictions", "shown", "takes_part"]


@frozen
class _Set:
    """A setting in force: what it is, in which layer (outermost 0) and at which path it is set."""

    value: Any
    depth: int
    path: str


_Found = Mapping[str, _Set]

_PLAIN: Final = (
    "after_hours_expiration",
    "chat_timeout",
    "closed",
    "expiration_hours",
    "hard_expiry",
    "hours",
    "inactivity",
    "keep_alive",
    "selecting_expiration",
    "snooze_grace",
    "unanswered_expiration",
)
_OF_ASSIGN: Final = ("overflow_after", "open_after", "sticky_wait")


def takes_part(settings: PolicySettings) -> bool:
    """Whether a layer sets anything that `contradictions` looks at."""
    return any(True for _ in _named(settings)) or bool(settings.enabled)


def contradictions(layers: Iterable[tuple[str, PolicySettings]]) -> Iterator[Problem]:
    """Yield what does not go together of the settings in force under these layers.

    `layers` are paths and settings, outermost first.
    """
    switches: dict[str, bool] = {}
    found: dict[str, _Set] = {}
    for depth, (path, settings) in enumerate(layers):
        switches |= settings.enabled or {}
        for name, keys, value in _named(settings):
            found[name] = _Set(value, depth, join(path, *keys))
    for name, on in switches.items():
        if not on:
            found.pop(name, None)
    for rule in _RULES:
        yield from rule(found)


def _named(settings: PolicySettings) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    for name in _PLAIN:
        if (value := getattr(settings, name)) is not None:
            yield name, (name,), value
    for name in _OF_ASSIGN:
        if (value := getattr(settings.assign, name, None)) is not None:
            yield name, ("assign", name), value


def shown(micros: int) -> str:
    """Return a duration for people."""
    return render_duration(micros // MILLISECOND * MILLISECOND)


# --- timers that others outrun ----------------------------------------------------------------------


@frozen
class _Time:
    """How long something takes, in microseconds, where that is set, and what people call it."""

    micros: int
    at: _Set
    said: str


def _fits(one: _Time | None, into: _Time | None) -> Iterator[Problem]:
    """Yield the problem of a time that is longer than the one that outruns it; they may be equal."""
    if one is None or into is None or one.micros <= into.micros:
        return
    if one.at.depth >= into.at.depth:
        yield Problem(one.at.path, f"{one.said} is longer than the {into.said} ({into.at.path})")
    else:
        yield Problem(into.at.path, f"{into.said} is shorter than the {one.said} ({one.at.path})")


def _time(found: _Found, name: str, said: str | None = None) -> _Time | None:
    setting = found.get(name)
    if setting is None:
        return None
    return _Time(setting.value, setting, f"{said or name} of {shown(setting.value)}")


def _silence(found: _Found) -> _Time | None:
    """How long a silence takes up to its dismissal (U34)."""
    setting = found.get("inactivity")
    if setting is None:
        return None
    rule = setting.value
    notice = rule.notice if rule.notice_side is NoticeSide.AFTER else 0
    said = f"inactivity of {shown(rule.after)}"
    return _Time(
        rule.after + notice, setting, f"{said} with {shown(notice)} of notice" if notice else said
    )


def _keep_alive(found: _Found) -> _Time | None:
    setting = found.get("keep_alive")
    if setting is None:
        return None
    micros = setting.value.after + setting.value.end_after
    return _Time(micros, setting, f"keep-alive of {shown(micros)} in all")


def _wait(found: _Found) -> _Time | None:
    """How long a wait in a queue lasts at most, or None where it may last for ever (U25, U26)."""
    inside = _time(found, "unanswered_expiration", "unanswered expiration")
    outside = _time(found, "after_hours_expiration", "after-hours expiration")
    hours = found.get("hours")
    if hours is None or hours.value.always:
        return inside
    by = found.get("expiration_hours")
    if inside is None or outside is None or (by and by.value is ExpirationHours.CURRENT):
        return None  # by the hours of the moment, an expiration waits for an opening or a closing
    return inside if inside.micros >= outside.micros else outside


def _timers(found: _Found) -> Iterator[Problem]:
    """Everything that ends by itself ends before its hard expiry, and is dismissed before it ends."""
    silence, timeout = _silence(found), _time(found, "chat_timeout", "chat timeout")
    hard = _time(found, "hard_expiry", "hard expiry")
    yield from _fits(silence, timeout)  # U33, U34
    yield from _fits(silence, hard)
    yield from _fits(silence, _keep_alive(found))
    yield from _fits(timeout, hard)
    for name, said in _EXPIRATIONS.items():
        yield from _fits(_time(found, name, said), hard)


_EXPIRATIONS: Final = {
    "unanswered_expiration": "unanswered expiration",
    "after_hours_expiration": "after-hours expiration",
    "selecting_expiration": "selecting expiration",
}


def _waits(found: _Found) -> Iterator[Problem]:
    """What is to happen in a wait happens before the wait expires."""
    longest = _wait(found)
    for name in _OF_ASSIGN:
        yield from _fits(_time(found, name), longest)


def _sleep(found: _Found) -> Iterator[Problem]:
    """A snooze lasts at least its grace, and is refused past the hard expiry (S5)."""
    closed = found.get("closed")
    if closed is None or "snooze" not in closed.value:
        grace, hard = _time(found, "snooze_grace"), _time(found, "hard_expiry", "hard expiry")
        yield from _fits(grace, hard)


# --- settings that others leave without effect --------------------------------------------------------


def _dismissed_by_hand(found: _Found) -> Iterator[Problem]:
    """What is left to agents is open to them (U37)."""
    silence, closed = found.get("inactivity"), found.get("closed")
    if silence is None or closed is None or "dismiss" not in closed.value:
        return
    if silence.value.then is InactivityThen.MANUAL:
        inner, outer = (silence, closed) if silence.depth >= closed.depth else (closed, silence)
        text = 'inactivity with then = "manual" leaves the dismissal to agents, and closed has '
        yield Problem(inner.path, f'{text}"dismiss" ({outer.path})')


def _closed_sleep(found: _Found) -> Iterator[Problem]:
    """A grace is set where somebody may snooze; closed further in, it has its effect elsewhere."""
    grace, closed = found.get("snooze_grace"), found.get("closed")
    if grace is None or closed is None or grace.depth < closed.depth or not grace.value:
        return
    if "snooze" in closed.value:
        why = f"has no effect where snooze is closed ({closed.path})"
        yield Problem(grace.path, f"snooze_grace {why}")


_RULES: Final[tuple[Callable[[_Found], Iterator[Problem]], ...]] = (
    _timers,
    _waits,
    _sleep,
    _dismissed_by_hand,
    _closed_sleep,
)
