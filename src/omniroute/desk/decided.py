"""Writing a routing decision down, beside what it did: at most 1 KB (S13)."""

from __future__ import annotations

from omniroute.desk.unit import Unit
from omniroute.model.conversation import Conversation
from omniroute.model.explanation import Explanation
from omniroute.rules.assignment import Choice, fitting
from omniroute.schema import EXPLANATIONS

__all__ = ["write_decision"]


def write_decision(unit: Unit, conversation: Conversation, choice: Choice, at: int) -> None:
    """Keep what was decided at an instant of a conversation, as it stands by now.

    An assignment is an event of its own, so nothing has been decided at its position before: a store
    need not look. That there is still nobody is told again at the same position.
    """
    queue = conversation.queue or conversation.place.inbox
    told = Explanation(
        conversation=conversation.id,
        position=unit.position,
        at=at,
        queue=queue,
        mode=unit.rule(queue).assignment.value,
        chosen=choice.chosen,
        runners_up=choice.runners_up,
        refused=choice.refused,
        more=choice.more,
        config_version=unit.setup.version,
        stages=choice.stages,
    )
    if told.chosen is None:
        unit.tx.put(EXPLANATIONS, unit.desk, fitting(told))
    else:
        unit.tx.add(EXPLANATIONS, unit.desk, [fitting(told)])
