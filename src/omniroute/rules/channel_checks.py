"""What can be wrong with channels, the gates of their entry points, numbers, and agents' profiles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from omniroute.errors import Problem
from omniroute.model.channel_type import CHANNEL_TYPES, ChannelFamily, Gate, channel_type
from omniroute.model.desk_config import AgentConfig, ChannelConfig, DeskConfig, EntryPointConfig
from omniroute.rules.judged import Judged, when
from omniroute.rules.names import did_you_mean, join, name_problem, quoted, text_problem, unknown
from omniroute.rules.numbers import number_problem

__all__ = [
    "CONTENTS",
    "channel_problems",
    "gate_problems",
    "language_problem",
    "number_problems",
    "one_account_problems",
    "profile_problems",
    "trait_problems",
]

CONTENTS: Final = ("text", "image", "video", "audio", "document", "sticker")
"""What a channel's `contents` may name."""

_BEST: Final = 100
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)


# --- channels -------------------------------------------------------------------------------------


def channel_problems(desk: Judged) -> Iterator[Problem]:
    """Yield what is wrong with channels and groups of channels (T1, T5, U2)."""
    for name, channel in desk.config.channels.items():
        path = join("channels", name)
        yield from when(path, name_problem(name))
        yield from _type(path, name, channel)
        for key in ("entry_flow", "exit_flow"):
            if (flow := getattr(channel, key)) is not None:
                yield from when(join(path, key), name_problem(flow))
        if channel.active and not channel.enabled_by_support:
            yield Problem(join(path, "active"), _not_enabled(channel.type or name))
        yield from _listed(join(path, "contents"), channel.contents or (), CONTENTS, "content")
    for name, group in desk.config.channel_groups.items():
        path = join("channel_groups", name)
        yield from when(path, name_problem(name))
        if group.description is not None:
            yield from when(join(path, "description"), text_problem(group.description))
        if desk.read("channels", "inboxes", "primary_for"):
            known = dict.fromkeys((*desk.config.channels, *desk.primary))
            yield from _listed(join(path, "channels"), group.channels, known, "channel")


def _type(path: str, name: str, channel: ChannelConfig) -> Iterator[Problem]:
    if channel.type is not None:
        yield from when(join(path, "type"), name_problem(channel.type))
    elif not name_problem(name) and name not in CHANNEL_TYPES:
        text = 'needs a type, such as type = "whatsapp": it is not named as one'
        guess = did_you_mean(name, CHANNEL_TYPES)
        yield Problem(path, f"{text}; did you mean {quoted(guess)}?" if guess else text)


def _not_enabled(kind: str) -> str:
    """The text that is shown where support has not enabled a channel (U2)."""
    known = channel_type(kind)
    label = known.report_label.rpartition(" via ")[2] or known.name
    return (
        f"{label} app activation is required to proceed further. "
        f"{label} chat will be available after activation."
    )


def _listed(path: str, given: Iterable[str], known: Iterable[str], what: str) -> Iterator[Problem]:
    """Yield what is listed twice, or does not exist."""
    seen: set[str] = set()
    for index, each in enumerate(given):
        here = join(path, index)
        if each in seen:
            yield Problem(here, f"{quoted(each)} stands here twice")
        elif each not in known:
            yield Problem(here, unknown(f"there is no {what} {quoted(each)}", known, each))
        seen.add(each)


# --- entry points ---------------------------------------------------------------------------------


def gate_problems(desk: Judged, name: str, entry_point: EntryPointConfig) -> Iterator[Problem]:
    """Yield the gates that an entry point's kind of channel does not have (G5 to G8)."""
    kind = desk.kind_of(entry_point.channel)
    if kind not in CHANNEL_TYPES:
        return
    for gate in Gate:
        if not getattr(entry_point, gate.value) and gate is not CHANNEL_TYPES[kind].gate:
            text = f"has no effect on {quoted(kind)}; such an entry point is live once it is added"
            own = CHANNEL_TYPES[kind].gate
            text = f"has no effect on {quoted(kind)}; use {quoted(own)}" if own else text
            yield Problem(join("entry_points", name, gate.value), text)


def one_account_problems(
    desk: Judged, path: str, entry_point: EntryPointConfig, first: str
) -> Iterator[Problem]:
    """Yield where a social channel would have a second account (U3)."""
    family = channel_type(desk.kind_of(entry_point.channel)).family
    if family is ChannelFamily.SOCIAL and entry_point.account != first:
        text = f"the channel {quoted(entry_point.channel)} has the account {quoted(first)} already"
        yield Problem(join(path, "account"), f"{text}; add another channel of its type")


# --- numbers --------------------------------------------------------------------------------------


def number_problems(desk: Judged) -> Iterator[Problem]:
    """Yield what is wrong with numbers (U63, U65)."""
    outbound: str | None = None
    for number, each in desk.config.numbers.items():
        path = join("numbers", number)
        yield from when(path, number_problem(number))
        yield from when(join(path, "label"), name_problem(each.label, "a label"))
        if each.queue is not None:
            yield from when(join(path, "queue"), desk.leaf_problem(each.queue))
        if each.global_outbound and outbound is not None:
            text = f"{quoted(outbound)} is the number for everything outbound already"
            yield Problem(join(path, "global_outbound"), text)
        outbound = number if each.global_outbound and outbound is None else outbound
    yield from _numbers_of_entry_points(desk)


def _numbers_of_entry_points(desk: Judged) -> Iterator[Problem]:
    users: dict[tuple[str, str], str] = {}
    numbers = desk.config.numbers
    for name, each in desk.config.entry_points.items():
        path = join("entry_points", name, "number")
        if each.number is not None and each.number not in numbers and desk.read("numbers"):
            text = unknown(f"there is no number {quoted(each.number)}", numbers, each.number)
            yield Problem(path, text)
        number = each.number or each.address
        if number in numbers:
            kind = desk.kind_of(each.channel)
            first = users.setdefault((kind, number), name)
            if first != name:
                yield Problem(
                    path, f"{quoted(number)} on {quoted(kind)} belongs to {quoted(first)}"
                )
            yield from _other_inbox(desk, name, each, number)


def _other_inbox(
    desk: Judged, name: str, entry_point: EntryPointConfig, number: str
) -> Iterator[Problem]:
    queue, inbox = desk.config.numbers[number].queue, desk.inbox_of(entry_point)
    if queue is None or inbox is None or entry_point.queue or queue not in desk.leaves:
        return
    if queue.partition("/")[0] != inbox:
        text = f"{quoted(queue)} lies in another inbox; {quoted(name)} leads to {quoted(inbox)}"
        yield Problem(join("numbers", number, "queue"), text)


# --- agents ---------------------------------------------------------------------------------------


def profile_problems(desk: Judged, path: str, agent: AgentConfig) -> Iterator[Problem]:
    """Yield what is wrong with an agent's channels, skills and languages (A1, P1)."""
    if agent.channels is not None and desk.read("channels", "inboxes", "primary_for"):
        yield from enabled_problems(join(path, "channels"), agent.channels, desk.config)
    yield from trait_problems(path, agent.skills, agent.weight)
    for index, language in enumerate(agent.languages):
        yield from when(join(path, "languages", index), language_problem(language))


def enabled_problems(path: str, channels: Iterable[str], config: DeskConfig) -> Iterator[Problem]:
    """Yield what is wrong with the channels that an agent is enabled for (A1)."""
    led = (channel for inbox in config.inboxes.values() for channel in inbox.primary_for)
    yield from _listed(path, channels, dict.fromkeys((*config.channels, *led)), "channel")


def trait_problems(path: str, skills: Mapping[str, int], weight: int) -> Iterator[Problem]:
    """Yield what is wrong with an agent's skills and weight (P1, P3)."""
    for skill, level in skills.items():
        yield from when(join(path, "skills"), name_problem(skill, "a skill"))
        if not 1 <= level <= _BEST:
            yield Problem(
                join(path, "skills", skill), f"expected a level from 1 to 100, got {level}"
            )
    if weight < 1:
        yield Problem(join(path, "weight"), f"expected a whole number from 1, got {weight}")


def language_problem(language: str) -> str | None:
    """Return what is wrong with a language tag, or None."""
    if _LANGUAGE.fullmatch(language):
        return None
    return f"{quoted(language)} is no language; expected a tag such as de, en or pt-BR"
