"""Who of several suitable agents comes first where that depends on the conversation (P1, P3).

What does not depend on it is an agent's place in the index (`rules.availability.rank`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from omniroute.model.agent import Agent
from omniroute.model.assign import Compare, Selector
from omniroute.rules.waiting import abilities, meets

__all__ = ["by_skill", "ranked", "skill_score"]


def skill_score(selectors: Iterable[Selector], skills: Mapping[str, int]) -> float:
    """Return how well skills serve what is asked: the mean over what is asked, between 0 and 1.

    What is asked exactly counts 1 where it is met. What is asked "at least" counts by the logistic
    function of the surplus, (level - wanted) / wanted: 0.5 is exactly enough.
    """
    scores = [_score(each, skills) for each in selectors]
    return math.fsum(scores) / len(scores) if scores else 0.0


def _score(selector: Selector, skills: Mapping[str, int]) -> float:
    if selector.compare is not Compare.AT_LEAST:
        return 1.0 if meets(selector, skills) else 0.0
    wanted = selector.levels[0]
    return 1 / (1 + math.exp(-(skills.get(selector.skill, 0) - wanted) / wanted))


def by_skill(agents: Sequence[Agent], selectors: Sequence[Selector]) -> list[Agent]:
    """Return agents, the best skilled first; who is equal stays in the given order (P3)."""
    return sorted(agents, key=lambda agent: -skill_score(selectors, abilities(agent)))


def ranked(known: Sequence[str], wish: Iterable[object]) -> list[str]:
    """Return what is known in the order that somebody wishes: strangers and repetitions are passed over.

    What is not named keeps its order, behind.
    """
    places = dict.fromkeys(each for each in wish if isinstance(each, str) and each in set(known))
    return [*places, *(each for each in known if each not in places)]
