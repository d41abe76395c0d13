"""Which agents may be given a waiting conversation, in order, as the store lists them.

The store's order is a short scan where it decides alone; where skills, declined offers or a plugin have
a say, agents with room are looked at page by page. The rules are `rules.waiting`'s, `rules.assignment`'s
and `rules.ranking`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import evolve

from omniroute.desk.lines import Entry, Lines
from omniroute.desk.unit import Unit
from omniroute.lazy import later
from omniroute.model.agent import Agent, Colour, Distribution
from omniroute.model.assign import AssignMode, AssignPolicy, Lane
from omniroute.model.conversation import Conversation
from omniroute.model.explanation import Candidate
from omniroute.model.records import CONFIGURATION_JOB
from omniroute.model.wish import RankingQuestion
from omniroute.rules.assignment import (
    LOOKED_AT,
    RUNNERS_UP,
    Choice,
    among,
    choose,
    may_push,
    told,
)
from omniroute.rules.availability import COLOURS, rank
from omniroute.rules.ranking import by_skill, ranked
from omniroute.rules.waiting import (
    is_enabled,
    lane_of,
    open_groups,
    outside,
    pool,
    refusal,
    still_asked,
)
from omniroute.rules.weights import place_for, queue_of
from omniroute.schema import AGENTS, JOBS

if TYPE_CHECKING:
    import logging
else:
    (logging,) = later(globals(), None, "logging")

__all__ = ["asked", "find", "somebody_may", "stages"]

_SERVING = AGENTS.index("serving")
_GREEN = COLOURS.index(Colour.GREEN)
_ORANGE = COLOURS.index(Colour.ORANGE)


class _Wait:
    """One conversation's wait, as whoever asks for its agents sees it. `waited` is in microseconds.

    `stages` are the groups of a cascade that are open to it, `places` the names under which the agents
    are listed who may take it. `by_agent` says that their listing does not tell who may.
    """

    __slots__ = ("by_agent", "lane", "name", "places", "queue", "rule", "stages", "waited")

    def __init__(self, unit: Unit, lines: Lines, conversation: Conversation) -> None:
        self.queue = conversation.queue or ""
        self.rule, self.lane = unit.rule(self.queue).assign, lane_of(conversation)
        since, routing = conversation.clocks.queued_at, self.lane.routing
        self.waited = unit.now - since
        self.name = unit.setup.counted.get(self.lane.channel)
        self.stages, places = _open_to(unit, lines, self.queue, self.rule, self.lane, since)
        self.places = places if self.name is None else [place_for(p, self.name) for p in places]
        asks = self.rule.skills or routing.requires or routing.declined
        self.by_agent = bool(asks or routing.exclusive)

    @property
    def line(self) -> str:
        """The name under which everybody is listed who serves the queue."""
        return place_for(self.queue, self.name)

    def refusal(self, agent: Agent) -> str | None:
        """Return why an agent may not take it, apart from room, or None."""
        return refusal(agent, self.lane, self.rule, self.waited, self.stages)


def find(
    unit: Unit, lines: Lines, conversation: Conversation, *, preferred: Agent | None = None
) -> Choice:
    """Choose who is given a waiting conversation; `preferred` comes before everybody.

    One bounded look where nobody can take it (R3).
    """
    wait = _Wait(unit, lines, conversation)
    how = unit.rule(wait.queue).distribution
    everybody = how is Distribution.BEST_SKILL or unit.ranking is not None
    looked, line = lines.servers(wait.line), wait.line
    by_agent = wait.by_agent or everybody
    if not wait.by_agent and wait.places == [line] and (preferred is not None or not everybody):
        choice = choose(looked, preferred=preferred, channel=wait.lane.channel)
        if choice.chosen is not None or not choice.more or looked[-1][1] != _GREEN:
            return choice
    if preferred is not None and may_push(preferred):
        return _with(unit, lines, wait, [_candidate(preferred)], [], looked)
    if not by_agent and (entry := _first_green(lines, wait.places, wait.lane.channel)) is not None:
        return _with(unit, lines, wait, [told(entry)], [], looked)
    lines.flush()
    found: list[Agent] = []
    refused: list[Candidate] = []
    for agent in _green(unit, wait.places):
        reason = wait.refusal(agent)
        if reason is None:
            found.append(agent)
            if not everybody:
                break
        else:
            refused.append(_candidate(agent, reason))
    if everybody:
        found = _ranked(unit, conversation, found, how, wait)
    return _with(unit, lines, wait, [_candidate(each) for each in found], refused, looked)


def _with(
    unit: Unit,
    lines: Lines,
    wait: _Wait,
    suitable: list[Candidate],
    refused: list[Candidate],
    looked: list[Entry],
) -> Choice:
    """Choose the first of those who may take it, and say of the others what spoke against them."""
    known = {each.agent for each in (*suitable, *refused)}
    others = [entry for entry in looked if entry[4] not in known]
    judged = list(_judged(unit, lines, wait, others))
    more = [each for each in judged if each.refused is None]
    against = [*refused, *(each for each in judged if each.refused is not None)]
    unsaid = len(looked) >= LOOKED_AT or len(judged) < len(others)
    return among([*suitable, *more], against, more=unsaid, stages=wait.stages)


def _judged(unit: Unit, lines: Lines, wait: _Wait, others: Iterable[Entry]) -> Iterator[Candidate]:
    """Yield agents as they are listed, with what speaks against each; of those with room, the first ten."""
    open_to: dict[str, None] | None = None
    judged = 0
    for entry in others:
        candidate = told(entry, wait.lane.channel)
        if candidate.refused is not None:
            yield candidate
        elif judged < RUNNERS_UP:
            judged += 1
            if wait.by_agent:
                reason = wait.refusal(unit.agent(entry[4]))
            else:
                if open_to is None:
                    open_to = dict.fromkeys(e[4] for p in wait.places for e in lines.servers(p))
                reason = None if entry[4] in open_to else outside(wait.rule)
            yield candidate if reason is None else evolve(candidate, refused=reason)


def somebody_may(unit: Unit, lines: Lines, conversation: Conversation) -> bool:
    """Whether anybody is there who may take a waiting conversation, with room or not (S7)."""
    wait, sticky = _Wait(unit, lines, conversation), conversation.extras.routing.sticky
    if sticky is not None:
        waited_for = unit.find_agent(sticky)
        if waited_for is None or not waited_for.available:
            return False
        return is_enabled(waited_for, wait.lane.channel)
    if not wait.by_agent:
        entries = [entry for place in wait.places for entry in lines.servers(place)]
        if any(_is_there(entry, wait.lane.channel) for entry in entries):
            return True
        if len(entries) < LOOKED_AT:
            return False
    lines.flush()
    return any(
        wait.refusal(agent) is None
        for colour in (_GREEN, _ORANGE)
        for agent in _green(unit, wait.places, colour)
    )


def asked(unit: Unit, lines: Lines, conversation: Conversation) -> Choice:
    """Return whom a conversation is offered to, of the first who serve its queue, and whom not and why."""
    wait, sticky = _Wait(unit, lines, conversation), conversation.extras.routing.sticky
    looked = lines.servers(wait.line)
    candidates: list[Candidate] = []
    for entry in looked:
        candidate, agent = told(entry, wait.lane.channel), unit.find_agent(entry[4])
        if candidate.refused is None and agent is not None and sticky != agent.id:
            reason = wait.refusal(agent) if sticky is None else f"it waits for {sticky}"
            candidate = _candidate(agent, reason)
        candidates.append(candidate)
    return among([], candidates, more=len(looked) >= LOOKED_AT, stages=wait.stages)


def _open_to(
    unit: Unit, lines: Lines, queue: str, rule: AssignPolicy, lane: Lane, since: int
) -> tuple[int, list[str]]:
    """How many of a cascade's groups a wait is open to, and under which names its agents are listed."""
    if rule.mode is AssignMode.EVERYONE or lane.routing.exclusive or lane.routing.anyone:
        return 0, [queue]
    open_stages = stages(unit, lines, queue, rule, since)
    return open_stages, _places(unit, queue, rule, lane, since, open_stages)


def _is_there(entry: tuple[Any, ...], channel: str) -> bool:
    channels = entry[8]
    return entry[1] <= _ORANGE and (not channels or f",{channel}," in channels)


def _first_green(lines: Lines, places: list[str], channel: str) -> tuple[Any, ...] | None:
    """The first with room who is listed under some names and enabled for a channel."""
    for place in places:
        for entry in lines.servers(place):
            if entry[1] == _GREEN and told(entry, channel).refused is None:
                return entry
    return None


def _places(
    unit: Unit, queue: str, rule: AssignPolicy, lane: Lane, since: int, open_stages: int
) -> list[str]:
    """Under which names the agents are listed who may take it, whoever comes first first."""
    if rule.mode is AssignMode.CASCADE:
        return [pool(queue, group) for group in rule.cascade[:open_stages]]
    group = lane.routing.group
    opens = rule.open_after
    if (
        group is None
        or group not in rule.percent
        or (opens is not None and unit.now - since >= opens)
    ):
        return [queue]
    return [pool(queue, group)]


def stages(unit: Unit, lines: Lines, queue: str, rule: AssignPolicy, since: int) -> int:
    """Return how many of a cascade's groups are open to a wait; those without anybody are skipped (M1).

    What was skipped is noted: the pool only grows.
    """
    if rule.mode is not AssignMode.CASCADE:
        return 0
    line = unit.queue_lines.of(queue)
    known = line.opened(rule.cascade)
    count = open_groups(rule, since, unit.now, known)
    if count == len(rule.cascade):
        return count
    places = [pool(queue, group) for group in rule.cascade]
    skipped = next((n for n, place in enumerate(places) if _somebody(lines, place)), 0)
    if skipped == 0 or _staff_is_behind(unit):
        return count
    opened = [*known, *[-1] * (len(places) - 1 - len(known))]
    opened[:skipped] = [unit.now] * skipped
    unit.queue_lines.open_stages(queue, rule.cascade, tuple(opened))
    return max(count, skipped + 1)


def _staff_is_behind(unit: Unit) -> bool:
    """Whether some agents still stand in the groups of an earlier version: they are there all the same."""
    job = unit.tx.get(JOBS, unit.desk, (CONFIGURATION_JOB,))
    return job is not None and job.saves_staff


def _somebody(lines: Lines, place: str) -> bool:
    """Whether anybody listed under a name is available: they come first."""
    return any(entry[1] <= _ORANGE for entry in lines.servers(place)[:1])


def _green(unit: Unit, places: Iterable[str], colour: int = _GREEN) -> Iterator[Agent]:
    """Yield the agents of a colour who are listed under any of some names, in order, each once."""
    seen: set[str] = set()
    for place in places:
        after: tuple[int | str, ...] | None = None
        while page := unit.tx.scan(
            _SERVING, unit.desk, (place, colour), after=after, limit=LOOKED_AT
        ):
            for agent in page:
                if agent.id not in seen:
                    seen.add(agent.id)
                    yield agent
            if len(page) < LOOKED_AT:
                break
            after = (*rank(page[-1], None, queue_of(place))[1:], page[-1].id)


def _candidate(agent: Agent, refused: str | None = None) -> Candidate:
    return Candidate(agent.id, agent.load, agent.capacity.soft_max, agent.idle_since, refused)


def _ranked(
    unit: Unit,
    conversation: Conversation,
    agents: list[Agent],
    distribution: Distribution,
    wait: _Wait,
) -> list[Agent]:
    """Order suitable agents by what the conversation asks, then by what a plugin wishes (P3)."""
    if distribution is Distribution.BEST_SKILL:
        asks = still_asked((*wait.rule.skills, *wait.lane.routing.requires), wait.waited)
        agents = by_skill(agents, asks)
    if unit.ranking is None or not agents:
        return agents
    by_id = {agent.id: agent for agent in agents}
    return [by_id[each] for each in ranked(tuple(by_id), _wish(unit, conversation, agents))]


def _wish(unit: Unit, conversation: Conversation, agents: list[Agent]) -> list[object]:
    """Ask the plugins; one that fails is told of in the log, and the desk's own order stays."""
    question = RankingQuestion(conversation, tuple(agents), unit.now)
    try:
        return list(unit.ranking(question=question) or ()) if unit.ranking is not None else []
    except Exception:
        log = logging.getLogger("omniroute.desk")
        log.exception("a ranking plugin failed for conversation %s", conversation.id)
        return []
