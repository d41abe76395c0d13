"""The full list behind a decision, as of the log position at which it was taken (S13).

What is kept of a decision is bounded; agents' states are events, and so are conversations': folded up to
that position they say of everybody why they were or were not given it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from omniroute.errors import UnknownConversation, UsageError
from omniroute.model import events as tell
from omniroute.model.agent import Agent, Distribution
from omniroute.model.conversation import Conversation
from omniroute.model.events import LogEntry
from omniroute.model.explanation import Candidate, Explanation
from omniroute.ports import Transaction
from omniroute.rules.agent_folding import apply_agent
from omniroute.rules.assignment import refused_for
from omniroute.rules.availability import rank
from omniroute.rules.folding import apply
from omniroute.rules.ranking import by_skill, ranked
from omniroute.rules.resolution import Setup
from omniroute.rules.waiting import lane_of, refusal, still_asked
from omniroute.schema import EXPLANATIONS, LOG, Index, Key

__all__ = ["candidates"]

_ORDER = LOG.index("log_order")
_TIMELINE = LOG.index("timeline")
_DECISIONS = EXPLANATIONS.index("explanations_of")
_PAGE = 500


def candidates(
    desk: str,
    conversation: str,
    position: int | None,
    setup_of: Callable[[Transaction, str, int], Setup],
) -> Callable[[Transaction, Setup], tuple[Candidate, ...]]:
    """Return the work that judges every agent anew, under the version that a decision was taken by."""

    def work(tx: Transaction, _: Setup) -> tuple[Candidate, ...]:
        decision = _decision(tx, desk, conversation, position)
        setup = setup_of(tx, desk, decision.config_version)
        return tuple(_recomputed(tx, desk, setup, decision))

    return work


def _decision(tx: Transaction, desk: str, conversation: str, position: int | None) -> Explanation:
    if position is None:
        found = tx.scan(_DECISIONS, desk, (conversation,), limit=1, reverse=True)
        if not found:
            raise UnknownConversation(f"nobody decided about a conversation {conversation!r}")
        return found[0]
    decision = tx.get(EXPLANATIONS, desk, (conversation, position))
    if decision is None:
        raise UsageError(
            f"nothing was decided about conversation {conversation!r} there",
            where="position",
            expected="the position of one of desk.explain(…).decisions",
            got=repr(position),
        )
    return decision


def _recomputed(
    tx: Transaction, desk: str, setup: Setup, decision: Explanation
) -> Iterator[Candidate]:
    own = list(_log(tx, desk, _TIMELINE, decision.position, (decision.conversation,)))
    known = _known_at(own, decision)
    state: Conversation | None = None
    for entry in own:
        if entry.position <= known and isinstance(entry.event, tell.ConversationEvent):
            state = apply(state, entry.event)
    if state is None:
        raise UnknownConversation(f"the log has no conversation {decision.conversation!r}")
    agents: dict[str, Agent | None] = {}
    for entry in _log(tx, desk, _ORDER, known):
        for name in _named(entry.event):
            agents[name] = apply_agent(agents.get(name), entry.event, name)
    staff = [each for each in agents.values() if each is not None]
    yield from _judged(setup, decision, state, staff)


def _log(
    tx: Transaction, desk: str, index: Index[LogEntry], until: int, prefix: Key = ()
) -> Iterator[LogEntry]:
    """Yield the log up to a position, page by page: nothing of it is kept."""
    after: tuple[int] | None = None
    while page := tx.scan(index, desk, prefix, after=after, until=(until,), limit=_PAGE):
        yield from page
        after = (page[-1].position,)


def _known_at(own: list[LogEntry], decision: Explanation) -> int:
    """Up to which position the log was known when it was decided: before what gave it to somebody."""
    chosen = None if decision.chosen is None else decision.chosen.agent
    for entry in reversed(own):
        event = entry.event
        given = isinstance(event, tell.Transition) and chosen is not None
        if given and getattr(event, "agent", None) == chosen:
            return entry.position - 1
    return decision.position


def _named(event: tell.Event) -> tuple[str, ...]:
    found = (getattr(event, "agent", None), getattr(event, "released", None))
    return tuple(dict.fromkeys(each for each in found if each is not None))


def _judged(
    setup: Setup, decision: Explanation, state: Conversation, staff: list[Agent]
) -> Iterator[Candidate]:
    queue, lane = decision.queue, lane_of(state)
    policy = setup.policy(None, queue)
    name = setup.counted.get(lane.channel)
    waited = decision.at - state.clocks.queued_at
    serving = [each for each in staff if queue in each.leaves]
    serving.sort(key=lambda each: (*rank(each, name, queue), each.id))
    stages = decision.stages
    reasons = {
        each.id: refused_for(each, name) or refusal(each, lane, policy.assign, waited, stages)
        for each in serving
    }
    if policy.distribution is Distribution.BEST_SKILL:
        serving = by_skill(
            serving, still_asked((*policy.assign.skills, *lane.routing.requires), waited)
        )
    by_id, chosen = {each.id: each for each in serving}, decision.chosen
    first = [chosen.agent] if chosen is not None and chosen.agent in by_id else []
    wish = [*first, *(each.agent for each in decision.runners_up if each.refused is None)]
    suitable = [each.id for each in serving if reasons[each.id] is None]
    refused = [each.id for each in serving if reasons[each.id] is not None and each.id not in first]
    for each in (*ranked([*first, *(x for x in suitable if x not in first)], wish), *refused):
        agent = by_id[each]
        reason = None if each in first else reasons[each]
        yield Candidate(agent.id, agent.load, agent.capacity.soft_max, agent.idle_since, reason)
