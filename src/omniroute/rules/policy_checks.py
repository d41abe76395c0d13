"""What can be wrong with a layer of policy by itself, and where it may stand.

Each setting's own limits are checked where it is written; what settings of several layers contradict
together is `rules.contradictions`'.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from omniroute.errors import Problem
from omniroute.instants import MILLISECOND, MINUTE
from omniroute.model.agent import Capacity
from omniroute.model.desk_config import DeskConfig
from omniroute.model.policy import (
    CLOSABLE,
    LOCKED,
    SWITCHES,
    AfterEnd,
    AfterEndTo,
    AwayThen,
    Inactivity,
    KeepAlive,
    NoticeSide,
    PolicySettings,
    Presence,
    ResumeTo,
    Resuming,
    TransferQueue,
    TransferRules,
)
from omniroute.model.state import State
from omniroute.rules import hours
from omniroute.rules.contradictions import shown
from omniroute.rules.names import join, quoted, text_problem, unknown

__all__ = [
    "DESK_ONLY",
    "LONGEST_TEXT",
    "MINUTES_FORMS",
    "MOST_MINUTES",
    "NOT_ON_CHANNELS",
    "NOT_ON_QUEUES",
    "capacity_problems",
    "message_problems",
    "misplaced",
    "policy_problems",
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
    "agent_initiated",
    "capacity",
    "costs",
    "idempotency_window",
    "protected_names",
    "presence",
)
NOT_ON_CHANNELS: Final = (
    *DESK_ONLY,
    "assign",
    "assignment",
    "concurrency",
    "distribution",
    "offer",
)
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
    yield from _after_end(join(path, "after_end"), policy.after_end)
    yield from _resuming(join(path, "resume_to"), policy.resume_to)
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
    yield from message_problems(join(path, "menu_text"), policy.menu_text)
    for state in policy.labels or {}:
        if state not in set(State):
            text = unknown(f"there is no state {quoted(state)}", State, state)
            yield Problem(join(path, "labels", state), text)
    yield from _switches(join(path, "enabled"), policy.enabled or {})
    for name in _TIMERS:
        yield from _minutes(join(path, name), getattr(policy, name))
    for name in _TEXTS:
        yield from message_problems(join(path, name), getattr(policy, name), LONGEST_TEXT)
    if policy.inactivity is not None:
        yield from _inactivity(join(path, "inactivity"), policy.inactivity)
    if policy.keep_alive is not None:
        yield from _keep_alive(join(path, "keep_alive"), policy.keep_alive)
    yield from _of_agents(path, policy)


def _of_agents(path: str, policy: PolicySettings) -> Iterator[Problem]:
    if policy.concurrency is not None and policy.concurrency < 1:
        text = f"expected a whole number from 1, got {policy.concurrency}"
        yield Problem(join(path, "concurrency"), text)
    yield from _duration(join(path, "wrap_up"), policy.wrap_up)
    if policy.offer is not None:
        yield from _duration(join(path, "offer", "accept_within"), policy.offer.accept_within)
    if policy.presence is not None:
        yield from _presence(join(path, "presence"), policy.presence)
    for index, name in enumerate(policy.closed or ()):
        if name not in CLOSABLE:
            text = unknown(f"{quoted(name)} cannot be closed", CLOSABLE, name)
            yield Problem(join(path, "closed", index), text)


def _transfer(path: str, rules: TransferRules | None) -> Iterator[Problem]:
    if rules is None:
        return
    if rules.maximum is not None and rules.maximum < 1:
        text = f"expected a whole number from 1, got {rules.maximum}"
        yield Problem(join(path, "maximum"), text)
    if rules.final is not None and rules.maximum is None:
        yield Problem(join(path, "final"), "has no effect without maximum")
    elif rules.final is not None and rules.queue is TransferQueue.NONE:
        yield Problem(join(path, "final"), 'is never reached with queue = "none"')


def _after_end(path: str, rule: AfterEnd | None) -> Iterator[Problem]:
    if rule is None:
        return
    yield from _duration(join(path, "within"), rule.within)
    if rule.within is not None and rule.to is AfterEndTo.NEW:
        text = 'has no effect with to = "new", which begins a new conversation at any time'
        yield Problem(join(path, "within"), text)


def _resuming(path: str, rule: Resuming | None) -> Iterator[Problem]:
    if rule is None:
        return
    yield from _duration(join(path, "within"), rule.within)
    if rule.within is not None and rule.to is not ResumeTo.LAST_AGENT:
        text = f'has no effect with to = {quoted(rule.to)}; it belongs to to = "last_agent"'
        yield Problem(join(path, "within"), text)


def misplaced(path: str, policy: PolicySettings, names: Iterable[str]) -> Iterator[Problem]:
    """Yield the settings among `names` that a layer sets where they have no effect."""
    for name in names:
        if getattr(policy, name) is not None:
            wider = _WIDER.get(name, "desk")
            yield Problem(join(path, name), f"has no effect here; set it for the {wider}")


_WIDER: Final = {
    "assign": "inbox, queue or desk",
    "concurrency": "inbox, queue or desk",
    "distribution": "inbox, queue or desk",
    "assignment": "inbox, queue or desk",
    "offer": "inbox, queue or desk",
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


def message_problems(path: str, text: str | None, longest: int | None = None) -> Iterator[Problem]:
    """Yield what is wrong with a text that is sent to contacts; `longest` in code points (U45)."""
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
    yield from message_problems(join(path, "text"), rule.text, LONGEST_TEXT)
    if rule.notice_side is NoticeSide.BEFORE and rule.notice > rule.after:
        text = f"the warning would go out before the silence begins: {shown(rule.notice)}"
        yield Problem(join(path, "notice"), f"{text} before {shown(rule.after)}")


def _keep_alive(path: str, rule: KeepAlive) -> Iterator[Problem]:
    yield from _duration(join(path, "after"), rule.after)
    yield from _duration(join(path, "end_after"), rule.end_after)
    yield from message_problems(join(path, "text"), rule.text)
    yield from message_problems(join(path, "end_text"), rule.end_text)


def _presence(path: str, rule: Presence) -> Iterator[Problem]:
    yield from _duration(join(path, "away_after"), rule.away_after)
    waits = rule.then is AwayThen.WAIT
    if waits or rule.wait:
        yield from _duration(join(path, "wait"), rule.wait)
    if rule.wait and not waits:
        text = f'has no effect with then = {quoted(rule.then)}; it belongs to then = "wait"'
        yield Problem(join(path, "wait"), text)
