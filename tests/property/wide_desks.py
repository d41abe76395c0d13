"""Desks with everything switched on at once, as the wide machine draws them.

Each setting is sound alone; a desk whose settings do not go together is not drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve
from hypothesis import assume
from hypothesis import strategies as st

from omniroute.instants import DAY, HOUR, MINUTE
from omniroute.model.agent import ALL, Capacity, Distribution
from omniroute.model.assign import AssignMode, AssignSettings, Segment, Selector
from omniroute.model.desk_config import (
    DeskConfig,
    EntryPointConfig,
    GroupConfig,
    InboxConfig,
    QueueNode,
)
from omniroute.model.policy import (
    AfterEnd,
    AfterEndTo,
    Assignment,
    AwayThen,
    DismissedTextAt,
    ExpirationHours,
    Inactivity,
    InactivityThen,
    KeepAlive,
    OfferRules,
    OfferThen,
    Overtake,
    PolicySettings,
    Presence,
    ResumeTo,
    Resuming,
    TransferRules,
)
from omniroute.model.sla import SlaHours, SlaTargets
from omniroute.rules.checks import problems
from omniroute.rules.presets import PRESETS
from tests.property.silence_oracle import HOURS

QUEUES = ("general/a", "general/b")
ENTRIES = {
    "first": ("chat", "general/a"),
    "second": ("chat", "general/b"),
    "menu": ("chat", None),
    "mail": ("email", "general/a"),
}
"""The channel of each entry point, and the queue that it leads to past the menu."""
PROFILES: Mapping[str, dict[str, Any]] = {
    "ana": {"groups": ("one",), "skills": {"router": 3}},
    "bob": {"groups": ("two",), "skills": {"router": 1}},
    "cid": {"groups": (), "serves": ("general/b",), "channels": ("chat",)},
    "dee": {"groups": ("one", "two"), "serves": ("general/*",), "weight": 2},
}
STAFF = tuple(PROFILES)
GOLD = {"tier": "gold"}


def some(*values: Any) -> st.SearchStrategy[Any]:
    """One of some values, or None: not set."""
    return st.sampled_from([None, *values])


def minutes(*each: int) -> st.SearchStrategy[int | None]:
    return some(*(number * MINUTE for number in each))


TEXTS = {
    "greeting": some("Welcome! You are number {position}.", "Welcome!"),
    "skip_greeting_after_hours": some(True),
    "after_hours_message": some("We open on {opens_at}.", "Closed."),
    "ended_text": some("The end."),
    "dismissed_text": some("[agent name] waits for you."),
    "dismissed_text_at": some(*DismissedTextAt),
}
TIMES = {
    "unanswered_expiration": minutes(12, 45),
    "after_hours_expiration": minutes(8, 90),
    "expiration_hours": some(*ExpirationHours),
    "chat_timeout": minutes(100, 200),
    "selecting_expiration": minutes(6),
    "snooze_grace": minutes(10),
    "wrap_up": minutes(3),
    "response_target": minutes(4),
    "inactivity": st.none()
    | st.builds(
        Inactivity,
        after=st.just(7 * MINUTE),
        notice=st.sampled_from([0, 5 * MINUTE]),
        then=st.sampled_from(InactivityThen),
        text=some("Hm?"),
    ),
    "keep_alive": some(
        KeepAlive(after=9 * MINUTE, text="There?", end_after=16 * MINUTE, end_text="Bye."),
        KeepAlive(
            after=9 * MINUTE,
            text="There?",
            end_after=16 * MINUTE,
            end_text="Bye.",
            end_text_first=True,
        ),
    ),
    "presence": some(
        Presence(away_after=6 * MINUTE),
        Presence(away_after=6 * MINUTE, then=AwayThen.REQUEUE),
        Presence(away_after=6 * MINUTE, then=AwayThen.WAIT, wait=4 * MINUTE),
    ),
    "hours": some(HOURS, HOURS),
}
WAYS = {
    "resume_to": some(
        Resuming(ResumeTo.LAST_AGENT, HOUR),
        Resuming(ResumeTo.FIRST_AVAILABLE),
        Resuming(ResumeTo.QUEUE),
    ),
    "after_end": some(
        AfterEnd(AfterEndTo.QUEUE), AfterEnd(AfterEndTo.LAST_AGENT, HOUR), AfterEnd(AfterEndTo.NEW)
    ),
    "dismissed_resumes_after_hours": some(True),
    "overtake": some(Overtake.CONFIRM),
    "transfer": some(
        TransferRules(maximum=1), TransferRules(maximum=1, final="general/b"), TransferRules()
    ),
    "distribution": some(*Distribution),
    "exit_words": some(("bye",)),
}
WEIGHTS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"capacity": {"messaging": Capacity(2, 2, 3)}},
        {"capacity": {"messaging": Capacity(1, 1, 1)}},
        {"capacity": {"messaging": Capacity(2, 3, 4)}, "costs": {"email": 2}},
        {"capacity": {"messaging": Capacity(2, 2, 3)}, "costs": {"email": ALL}},
        {
            "capacity": {"messaging": Capacity(3, 3, 4), "chat": Capacity(1, 1, 2)},
            "costs": {"email": 3},
        },
        {"capacity": {"messaging": Capacity(3, 3, 3), "email": Capacity(1, 1, 1)}},
    ]
)
LINES = st.fixed_dictionaries(
    {},
    optional={
        "ageing": minutes(5),
        "classes": some(False),
        "segments": some((Segment("tier", "gold"),)),
        "sticky_within": minutes(60),
        "sticky_wait": minutes(3),
        "reserve_after": minutes(4),
        "estimate_over": some(3),
        "waiting_message": some("You are number {position}.", "Please wait."),
        "full_message": some("We are full."),
    },
)
MODES: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {},
        {"cascade": ("one", "two"), "widen_after": 2 * MINUTE},
        {"cascade": ("two", "one")},
        {"percent": {"one": 5_000, "two": 5_000}, "open_after": 2 * MINUTE},
        {"percent": {"one": 3_000, "two": 7_000}},
        {"skills": (Selector("router", levels=(2,), expires=3 * MINUTE),)},
        {"mode": AssignMode.EVERYONE, "skills": (Selector("router"),)},
    ]
)
OVERFLOWS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {"maximum": 1},
        {"overflow": ("general/b",), "overflow_after": 3 * MINUTE},
        {"overflow": ("general/b",), "overflow_at": 1},
        {"overflow": ("general/b",), "maximum": 1},
    ]
)
ASSIGNMENTS = st.sampled_from([None, None, *Assignment])
OFFERS = some(
    OfferRules(accept_within=2 * MINUTE, then=OfferThen.MISSED),
    OfferRules(accept_within=MINUTE),
)
TARGETS = st.sampled_from(
    [
        SlaTargets(),
        SlaTargets(next=5 * MINUTE, resolution=HOUR, warn_before=2 * MINUTE),
        SlaTargets(resolution=DAY, hours=SlaHours.BUSINESS),
    ]
)


@st.composite
def layers(draw: st.DrawFn, *, overflows: bool) -> PolicySettings:
    """What one queue sets for itself."""
    more = draw(OVERFLOWS) if overflows else {}
    rule = AssignSettings(**draw(MODES), **more, priority=draw(some(2, -1)))
    assignment = draw(ASSIGNMENTS)
    offer = draw(OFFERS) if assignment is Assignment.OFFER_ONE else None
    return PolicySettings(assignment=assignment, offer=offer, assign=rule)


@st.composite
def settings_of_a_desk(draw: st.DrawFn) -> PolicySettings:
    """What a desk sets for all of its queues."""
    drawn = draw(st.fixed_dictionaries({}, optional={**TEXTS, **TIMES, **WAYS}))
    weights, line = draw(WEIGHTS), draw(LINES)
    if "costs" not in weights:
        line.pop("reserve_after", None)
    if "sticky_wait" not in line:
        line.pop("sticky_within", None)
    return PolicySettings(
        **drawn, **weights, closed=(), assignment=draw(ASSIGNMENTS), assign=AssignSettings(**line)
    )


@st.composite
def _drawn(draw: st.DrawFn) -> DeskConfig:
    """A whole desk: two queues, four ways in, two channels, two groups."""
    inbox = InboxConfig(
        sla=15 * MINUTE,
        primary_for=("chat", "email"),
        queues=(QueueNode("a"), QueueNode("b")),
        at={"a": draw(layers(overflows=True)), "b": draw(layers(overflows=False))},
        targets=draw(TARGETS),
    )
    return DeskConfig(
        desk="acme",
        preset=draw(st.sampled_from([None, None, *sorted(PRESETS)])),
        policy=draw(settings_of_a_desk()),
        inboxes={"general": inbox},
        groups={
            "one": GroupConfig(serves=("general/**",)),
            "two": GroupConfig(serves=("general/a",)),
        },
        entry_points={
            name: EntryPointConfig(channel=channel, address=name, queue=queue)
            for name, (channel, queue) in ENTRIES.items()
        },
    )


@st.composite
def desks(draw: st.DrawFn) -> DeskConfig:
    """A desk whose settings go together: without those that contradict the rest of it."""
    config = draw(_drawn())
    for name in ("unanswered_expiration", "keep_alive", "inactivity", "after_hours_expiration"):
        if not problems(config):
            break
        config = evolve(config, policy=evolve(config.policy, **{name: None}))
    assume(not problems(config))
    return config
