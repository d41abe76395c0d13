"""Which agents may be given a waiting conversation, in order, as the store lists them.

The store's order is a short scan where it decides alone; where skills, declined offers or a plugin have
a say, agents with room are looked at page by page. The rules are `rules.waiting`'s, `rules.assignment`'s
and `rules.ranking`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from omniroute.desk.lines import Lines
from omniroute.desk.unit import Unit
from omniroute.lazy import later
from omniroute.model.agent import Agent, Colour, Distribution
from omniroute.model.assign import AssignMode, AssignPolicy, Lane
from omniroute.model.conversation import Conversation
from omniroute.model.explanation import Candidate
from omniroute.model.wish import RankingQuestion
from omniroute.rules.assignment import LOOKED_AT, Choice, among, choose, told
from omniroute.rules.availability import COLOURS, rank
from omniroute.rules.ranking import by_skill, ranked
from omniroute.rules.waiting import lane_of, open_groups, pool, refusal, still_asked
from omniroute.rules.weights import place_for, queue_of
from omniroute.schema import AGENTS

if TYPE_CHECKING:
    import logging
else:
    (logging,) = later(globals(), None, "logging")

__all__ = ["asked", "find", "somebody_may", "stages"]

_SERVING = AGENTS.index("serving")
_GREEN = COLOURS.index(Colour.GREEN)
_ORANGE = COLOURS.index(Colour.ORANGE)


def find(
    unit: Unit, lines: Lines, conversation: Conversation, *, preferred: Agent | None = None
) -> Choice:
    """Choose who is given a waiting conversation; `preferred` comes before everybody.

    One bounded look where nobody can take it (R3).
    """
    queue = conversation.queue or ""
    policy = unit.rule(queue)
    rule, lane = policy.assign, lane_of(conversation)
    since = conversation.clocks.queued_at
    special = (
        policy.distribution is Distribution.BEST_SKILL
        or unit.ranking is not None
        or rule.skills
        or lane.routing.requires
        or lane.routing.declined
        or lane.routing.exclusive
    )
    name = unit.setup.counted.get(lane.channel)
    open_stages, places = _open_to(unit, lines, queue, rule, lane, since)
    wanted = place_for(queue, name)
    places = places if name is None else [place_for(each, name) for each in places]
    looked = lines.servers(wanted)
    if preferred is not None or (not special and places == [wanted]):
        choice = choose(looked, preferred=preferred, channel=lane.channel)
        if choice.chosen is not None or not choice.more or looked[-1][1] != _GREEN:
            return choice
    if not special and (entry := _first_green(lines, places, lane.channel)) is not None:
        return among([told(entry)], [], looked)
    lines.flush()
    found: list[Agent] = []
    refused: list[Candidate] = []
    everybody = policy.distribution is Distribution.BEST_SKILL or unit.ranking is not None
    for agent in _green(unit, places):
        reason = refusal(agent, lane, rule, unit.now - since, open_stages)
        if reason is None:
            found.append(agent)
            if not everybody:
                break
        else:
            refused.append(_candidate(agent, reason))
    if everybody:
        found = _ranked(unit, conversation, found, policy.distribution, rule, lane, since)
    return among([_candidate(each) for each in found], refused, looked)


def somebody_may(unit: Unit, lines: Lines, conversation: Conversation) -> bool:
    """Whether anybody is there who may take a waiting conversation, with room or not (S7)."""
    queue, routing = conversation.queue or "", conversation.extras.routing
    rule, lane, since = (
        unit.rule(queue).assign,
        lane_of(conversation),
        conversation.clocks.queued_at,
    )
    open_stages, places = _open_to(unit, lines, queue, rule, lane, since)

    def may(agent: Agent) -> bool:
        return refusal(agent, lane, rule, unit.now - since, open_stages) is None

    if routing.sticky is not None:
        waited_for = unit.find_agent(routing.sticky)
        return waited_for is not None and waited_for.available and may(waited_for)
    plain = not (rule.skills or lane.routing.requires or lane.routing.declined)
    if plain and not lane.routing.exclusive:
        entries = [entry for place in places for entry in lines.servers(place)]
        if any(_is_there(entry, lane.channel) for entry in entries):
            return True
        if len(entries) < LOOKED_AT:
            return False
    lines.flush()
    return any(may(agent) for colour in (_GREEN, _ORANGE) for agent in _green(unit, places, colour))


def asked(unit: Unit, lines: Lines, conversation: Conversation) -> Choice:
    """Return whom a conversation is offered to, of the first who serve its queue, and whom not and why."""
    queue = conversation.queue or ""
    rule, lane, since = (
        unit.rule(queue).assign,
        lane_of(conversation),
        conversation.clocks.queued_at,
    )
    open_stages, _ = _open_to(unit, lines, queue, rule, lane, since)
    looked = lines.servers(place_for(queue, unit.setup.counted.get(lane.channel)))
    sticky = conversation.extras.routing.sticky
    candidates: list[Candidate] = []
    for entry in looked:
        candidate, agent = told(entry, lane.channel), unit.find_agent(entry[4])
        if candidate.refused is None and agent is not None:
            reason = refusal(agent, lane, rule, unit.now - since, open_stages)
            if sticky not in (None, agent.id):
                reason = f"it waits for {sticky}"
            candidate = _candidate(agent, reason)
        candidates.append(candidate)
    return among([], candidates, looked)


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
    count = open_groups(rule, since, unit.now, line.stages_until)
    if count == len(rule.cascade):
        return count
    places = [pool(queue, group) for group in rule.cascade]
    skipped = next((n for n, place in enumerate(places) if _somebody(lines, place)), 0)
    if skipped == 0:
        return count
    opened = [*line.stages_until, *[-1] * (len(places) - 1 - len(line.stages_until))]
    opened[:skipped] = [unit.now] * skipped
    unit.queue_lines.open_stages(queue, tuple(opened))
    return max(count, skipped + 1)


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


def _ranked(  # noqa: PLR0917
    unit: Unit,
    conversation: Conversation,
    agents: list[Agent],
    distribution: Distribution,
    rule: AssignPolicy,
    lane: Lane,
    since: int,
) -> list[Agent]:
    """Order suitable agents by what the conversation asks, then by what a plugin wishes (P3)."""
    if distribution is Distribution.BEST_SKILL:
        asked = still_asked((*rule.skills, *lane.routing.requires), unit.now - since)
        agents = by_skill(agents, asked)
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
