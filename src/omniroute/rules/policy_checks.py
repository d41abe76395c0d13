"""What can be wrong with a layer of policy, where it may stand, and what layers come to together.

Each setting's own limits are checked where it is written; relations between timers (U33, U34) are
checked on the values that are in force at each place, and told at the layer that sets one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from omniroute.errors import Problem
from omniroute.instants import MILLISECOND, MINUTE, render_duration
from omniroute.model.agent import Capacity
from omniroute.model.desk_config import DeskConfig
from omniroute.model.policy import (
    CLOSABLE,
    LOCKED,
    SWITCHES,
    AwayThen,
    Inactivity,
    KeepAlive,
    NoticeSide,
    PolicySettings,
    Presence,
    TransferRules,
)
from omniroute.model.state import State
from omniroute.rules import hours
from omniroute.rules.names import join, quoted, text_problem, unknown

__all__ = [
    "DESK_ONLY",
    "LONGEST_TEXT",
    "MINUTES_FORMS",
    "MOST_MINUTES",
    "NOT_ON_CHANNELS",
    "NOT_ON_QUEUES",
    "capacity_problems",
    "misplaced",
    "policy_problems",
    "sets_timing",
    "timing_problems",
    "written_layers",
]

MOST_MINUTES: Final = 10_080
"""The longest timer: seven days (U25 to U34)."""

MINUTES_FORMS: Final = 'whole minutes from 1 to 10080 (30, "30m", "2h", "7d")'

LONGEST_TEXT: Final = 918
"""The longest automatic text in code points, before anything is substituted (U45)."""

# Agents have one capacity and one place in line, and conversations of all channels wait in one
# line: set further in, these would say nothing, and a setting that says nothing is a mistake.
DESK_ONLY: Final = (
    "capacity",
    "costs",
    "distribution",
    "idempotency_window",
    "protected_names",
    "presence",
)
NOT_ON_CHANNELS: Final = (*DESK_ONLY, "assignment", "assign")
NOT_ON_QUEUES: Final = (*DESK_ONLY, "selecting_expiration")

_TIMERS: Final = (
    "unanswered_expiration",
    "after_hours_expiration",
    "chat_timeout",
    "hard_expiry",
    "selecting_expiration",
)
_TEXTS: Final = ("greeting", "after_hours_message", "dismissed_text", "ended_text")


def written_layers(config: DeskConfig) -> Iterator[tuple[str, PolicySettings]]:
    """Yield every layer of policy that a configuration writes, with its path."""
    yield "policy", config.policy
    for name, channel in config.channels.items():
        yield join("channels", name, "policy"), channel.policy
    for name, inbox in config.inboxes.items():
        yield join("inboxes", name, "policy"), inbox.policy
        for place, policy in inbox.at.items():
            yield join("inboxes", name, "at", place), policy


def policy_problems(path: str, policy: PolicySettings) -> Iterator[Problem]:
    """Yield what is wrong with one layer by itself."""
    within = policy.after_end.within if policy.after_end else None
    yield from _duration(join(path, "after_end", "within"), within)
    yield from _duration(join(path, "idempotency_window"), policy.idempotency_window)
    yield from _duration(join(path, "response_target"), policy.response_target)
    if policy.service_level is not None:
        yield from _duration(join(path, "service_level", "target"), policy.service_level.target)
    if policy.snooze_grace:
        yield from _duration(join(path, "snooze_grace"), policy.snooze_grace)
    yield from capacity_problems(join(path, "capacity"), policy.capacity or {})
    yield from _transfer(join(path, "transfer"), policy.transfer)
    for keys, text in hours.problems(policy.hours) if policy.hours else ():
        yield Problem(join(path, "hours", *keys), text)
    yield from _text(join(path, "menu_text"), policy.menu_text)
    for state in policy.labels or {}:
        if state not in set(State):
            text = unknown(f"there is no state {quoted(state)}", State, state)
            yield Problem(join(path, "labels", state), text)
    yield from _switches(join(path, "enabled"), policy.enabled or {})
    for name in _TIMERS:
        yield from _minutes(join(path, name), getattr(policy, name))
    for name in _TEXTS:
        yield from _text(join(path, name), getattr(policy, name), LONGEST_TEXT)
    if policy.inactivity is not None:
        yield from _inactivity(join(path, "inactivity"), policy.inactivity)
    if policy.keep_alive is not None:
        yield from _keep_alive(join(path, "keep_alive"), policy.keep_alive)
    yield from _of_agents(path, policy)


def _of_agents(path: str, policy: PolicySettings) -> Iterator[Problem]:
    yield from _duration(join(path, "wrap_up"), policy.wrap_up)
    if policy.presence is not None:
        yield from _presence(join(path, "presence"), policy.presence)
    for index, name in enumerate(policy.closed or ()):
        if name not in CLOSABLE:
            text = unknown(f"{quoted(name)} cannot be closed", CLOSABLE, name)
            yield Problem(join(path, "closed", index), text)


def _transfer(path: str, rules: TransferRules | None) -> Iterator[Problem]:
    if rules is not None and rules.maximum is not None and rules.maximum < 1:
        text = f"expected a whole number from 1, got {rules.maximum}"
        yield Problem(join(path, "maximum"), text)


def misplaced(path: str, policy: PolicySettings, names: Iterable[str]) -> Iterator[Problem]:
    """Yield the settings among `names` that a layer sets where they have no effect."""
    for name in names:
        if getattr(policy, name) is not None:
            wider = _WIDER.get(name, "desk")
            yield Problem(join(path, name), f"has no effect here; set it for the {wider}")


_WIDER: Final = {
    "assign": "inbox, queue or desk",
    "assignment": "inbox, queue or desk",
    "selecting_expiration": "inbox, channel or desk",
}


def capacity_problems(path: str, capacities: Mapping[str, Capacity]) -> Iterator[Problem]:
    """Yield what is wrong with capacities by channel family (M9)."""
    for family, limits in capacities.items():
        here = join(path, family)
        if not 1 <= limits.goal <= limits.soft_max <= limits.hard_max:
            text = "expected 1 <= goal <= soft_max <= hard_max, got "
            text += f"goal {limits.goal}, soft_max {limits.soft_max}, hard_max {limits.hard_max}"
            yield Problem(here, text)


def _duration(path: str, micros: int | None) -> Iterator[Problem]:
    if micros is not None and (micros <= 0 or micros % MILLISECOND):
        text = f"expected a duration above zero in whole milliseconds, got {micros} microseconds"
        yield Problem(path, text)


def _minutes(path: str, micros: int | None, least: int = 1) -> Iterator[Problem]:
    if micros is None:
        return
    count, rest = divmod(micros, MINUTE)
    if rest or not least <= count <= MOST_MINUTES:
        yield Problem(path, f"expected {MINUTES_FORMS}, got {micros} microseconds")


def _text(path: str, text: str | None, longest: int | None = None) -> Iterator[Problem]:
    if text is None:
        return
    problem = text_problem(text) if text.strip() else "a text is not empty"
    if problem is None and longest is not None and len(text) > longest:
        problem = f"is {len(text)} characters long; at most {longest} are sent"
    if problem is not None:
        yield Problem(path, problem)


def _switches(path: str, switches: Mapping[str, bool]) -> Iterator[Problem]:
    for name, on in switches.items():
        if name in LOCKED:
            if not on:
                yield Problem(join(path, name), "cannot be switched off")
        elif name not in SWITCHES:
            text = unknown(f"there is no switch {quoted(name)}", SWITCHES, name)
            yield Problem(join(path, name), text)


def _inactivity(path: str, rule: Inactivity) -> Iterator[Problem]:
    yield from _minutes(join(path, "after"), rule.after)
    yield from _minutes(join(path, "notice"), rule.notice, least=0)
    yield from _text(join(path, "text"), rule.text, LONGEST_TEXT)
    if rule.notice_side is NoticeSide.BEFORE and rule.notice > rule.after:
        text = f"the warning would go out before the silence begins: {_shown(rule.notice)}"
        yield Problem(join(path, "notice"), f"{text} before {_shown(rule.after)}")


def _keep_alive(path: str, rule: KeepAlive) -> Iterator[Problem]:
    yield from _duration(join(path, "after"), rule.after)
    yield from _duration(join(path, "end_after"), rule.end_after)
    yield from _text(join(path, "text"), rule.text)
    yield from _text(join(path, "end_text"), rule.end_text)


def _presence(path: str, rule: Presence) -> Iterator[Problem]:
    yield from _duration(join(path, "away_after"), rule.away_after)
    waits = rule.then is AwayThen.WAIT
    if waits or rule.wait:
        yield from _duration(join(path, "wait"), rule.wait)
    if rule.wait and not waits:
        text = f'has no effect with then = {quoted(rule.then)}; it belongs to then = "wait"'
        yield Problem(join(path, "wait"), text)


def timing_problems(layers: Iterable[tuple[str, PolicySettings]]) -> Iterator[Problem]:
    """Yield where timers that are in force together do not fit each other (U33, U34).

    `layers` are paths and settings, outermost first. The problem is told at the innermost of the
    settings that take part, and names where the other stands.
    """
    switches: dict[str, bool] = {}
    found: dict[str, tuple[int, str, PolicySettings]] = {}
    for depth, (path, settings) in enumerate(layers):
        switches |= settings.enabled or {}
        for name in _RELATED:
            if getattr(settings, name) is not None:
                found[name] = (depth, join(path, name), settings)
    if len(found) < len(_RELATED) or not all(switches.get(name, True) for name in _RELATED):
        return
    (inner, at, one), (outer, other_at, other) = found["inactivity"], found["chat_timeout"]
    rule, timeout = one.inactivity, other.chat_timeout
    assert rule is not None  # noqa: S101  (both are set where they were found)
    assert timeout is not None  # noqa: S101
    total = rule.after + (rule.notice if rule.notice_side is NoticeSide.AFTER else 0)
    if total > timeout:
        silence = f"inactivity of {_shown(rule.after)}"
        silence += f" with {_shown(rule.notice)} of notice" if total > rule.after else ""
        limit = f"chat timeout of {_shown(timeout)}"
        if inner >= outer:
            yield Problem(at, f"{silence} is longer than the {limit} ({other_at})")
        else:
            yield Problem(other_at, f"{limit} is shorter than the {silence} ({at})")


_RELATED: Final = ("inactivity", "chat_timeout")


def sets_timing(settings: PolicySettings) -> bool:
    """Whether a layer sets anything that `timing_problems` looks at."""
    names = (*_RELATED, "enabled")
    return any(getattr(settings, name) is not None for name in names)


def _shown(micros: int) -> str:
    return render_duration(micros // MILLISECOND * MILLISECOND)
