"""The shape of a layer of policy: which keys `policy`, an inbox or a queue may have, and what each becomes.

Part of the one list of keys (`shape`). A part that cannot be read is stood in for by some value, so
that the rest can still be judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from omniroute.config.assigning import assign
from omniroute.config.hours import hours
from omniroute.config.reading import (
    Notes,
    Read,
    Table,
    choice,
    duration,
    flag,
    many,
    minutes,
    notice,
    table,
    text,
    texts,
    whole,
)
from omniroute.instants import DAY, MINUTE
from omniroute.model.agent import ALL, Capacity, Cost, Distribution
from omniroute.model.policy import (
    AfterEnd,
    AfterEndTo,
    Assignment,
    AwayThen,
    DismissedTextAt,
    ExpirationHours,
    Inactivity,
    InactivityAnchor,
    InactivityThen,
    KeepAlive,
    NoticeSide,
    OfferRules,
    OfferThen,
    Overtake,
    PolicySettings,
    Presence,
    ProtectedNames,
    ResumeTo,
    Resuming,
    TransferAgent,
    TransferQueue,
    TransferRules,
)
from omniroute.model.sla import ServiceLevel, ServiceLevelFormula
from omniroute.rules.names import quoted
from omniroute.rules.policy_checks import MINUTES_FORMS

__all__ = ["capacity", "policy", "policy_of"]

_ANY_TEXT: Final = "?"


@table
def _transfer(fields: Table) -> TransferRules:
    return TransferRules(
        queue=fields.take("queue", choice(TransferQueue), TransferQueue.ANY),
        agent=fields.take("agent", choice(TransferAgent), TransferAgent.ANY),
        force=fields.take("force", flag, default=True),
        maximum=fields.take("maximum", whole, None),
        final=fields.take("final", text, None),
    )


@table
def _after_end(fields: Table) -> AfterEnd:
    to = fields.need("to", choice(AfterEndTo), AfterEndTo.NEW, expected="where a message goes")
    return AfterEnd(to, fields.take("within", duration, None))


@table
def _resuming(fields: Table) -> Resuming:
    to = fields.need("to", choice(ResumeTo), ResumeTo.QUEUE, expected="who gets it")
    return Resuming(to, fields.take("within", duration, None))


@table
def capacity(fields: Table) -> Capacity | None:
    """Read what an agent may hold in a family of channels; None where a part cannot be read (M9)."""
    names = ("goal", "soft_max", "hard_max")
    limits = [fields.need(name, whole, None, expected="a whole number") for name in names]
    known = [each for each in limits if each is not None]
    return Capacity(*known) if len(known) == len(names) else None


def _parts(notes: Notes, value: object, path: str) -> Cost | None:
    if value == ALL:
        return ALL
    if isinstance(value, str) and not (notes.text_scalars and value.isdigit()):
        notes.expected(path, f"a whole number or {quoted(ALL)}", value)
        return None
    return whole(notes, value, path)


_costs: Final[Read[Mapping[str, Cost]]] = many(_parts)


@table
def _service_level(fields: Table) -> ServiceLevel:
    target = fields.need("target", duration, DAY, expected="a duration")
    formula = ServiceLevelFormula.ANSWERED_AND_ABANDONED
    return ServiceLevel(target, fields.take("formula", choice(ServiceLevelFormula), formula))


@table
def _inactivity(fields: Table) -> Inactivity:
    return Inactivity(
        after=fields.need("after", minutes, MINUTE, expected=MINUTES_FORMS),
        notice=fields.take("notice", notice, 0),
        notice_side=fields.take("notice_side", choice(NoticeSide), NoticeSide.AFTER),
        then=fields.take("then", choice(InactivityThen), InactivityThen.DISMISS),
        anchor=fields.take("anchor", choice(InactivityAnchor), InactivityAnchor.AGENT),
        text=fields.take("text", text, None),
    )


@table
def _keep_alive(fields: Table) -> KeepAlive:
    after, end_after = (
        fields.need(name, duration, MINUTE, expected='a duration, such as "10m"')
        for name in ("after", "end_after")
    )
    first, last = (
        fields.need(name, text, _ANY_TEXT, expected="the text to send")
        for name in ("text", "end_text")
    )
    return KeepAlive(
        after=after,
        text=first,
        end_after=end_after,
        end_text=last,
        end_text_first=fields.take("end_text_first", flag, default=False),
    )


@table
def _offer(fields: Table) -> OfferRules:
    plain = OfferRules()
    return OfferRules(
        accept_within=fields.take("accept_within", duration, plain.accept_within),
        then=fields.take("then", choice(OfferThen), plain.then),
    )


@table
def _presence(fields: Table) -> Presence:
    return Presence(
        away_after=fields.need(
            "away_after", duration, MINUTE, expected='a duration, such as "90s"'
        ),
        then=fields.take("then", choice(AwayThen), AwayThen.KEEP),
        wait=fields.take("wait", duration, 0),
    )


def policy_of(fields: Table) -> PolicySettings:
    """Read a layer of policy from among the keys of a table that may have others too."""
    return PolicySettings(
        assignment=fields.take("assignment", choice(Assignment), None),
        offer=fields.take("offer", _offer, None),
        distribution=fields.take("distribution", choice(Distribution), None),
        agent_initiated=fields.take("agent_initiated", flag, None),
        overtake=fields.take("overtake", choice(Overtake), None),
        after_end=fields.take("after_end", _after_end, None),
        resume_to=fields.take("resume_to", _resuming, None),
        capacity=fields.take("capacity", many(capacity), None),
        costs=fields.take("costs", _costs, None),
        concurrency=fields.take("concurrency", whole, None),
        menu_text=fields.take("menu_text", text, None),
        labels=fields.take("labels", many(text), None),
        idempotency_window=fields.take("idempotency_window", duration, None),
        transfer=fields.take("transfer", _transfer, None),
        assign=fields.take("assign", assign, None),
        back_words=fields.take("back_words", texts, None),
        exit_words=fields.take("exit_words", texts, None),
        protected_names=fields.take("protected_names", choice(ProtectedNames), None),
        enabled=fields.take("enabled", many(flag), None),
        unanswered_expiration=fields.take("unanswered_expiration", minutes, None),
        after_hours_expiration=fields.take("after_hours_expiration", minutes, None),
        expiration_hours=fields.take("expiration_hours", choice(ExpirationHours), None),
        chat_timeout=fields.take("chat_timeout", minutes, None),
        hard_expiry=fields.take("hard_expiry", minutes, None),
        selecting_expiration=fields.take("selecting_expiration", minutes, None),
        inactivity=fields.take("inactivity", _inactivity, None),
        keep_alive=fields.take("keep_alive", _keep_alive, None),
        greeting=fields.take("greeting", text, None),
        skip_greeting_after_hours=fields.take("skip_greeting_after_hours", flag, None),
        after_hours_message=fields.take("after_hours_message", text, None),
        dismissed_text=fields.take("dismissed_text", text, None),
        dismissed_text_at=fields.take("dismissed_text_at", choice(DismissedTextAt), None),
        ended_text=fields.take("ended_text", text, None),
        snooze_grace=fields.take("snooze_grace", duration, None),
        dismissed_resumes_after_hours=fields.take("dismissed_resumes_after_hours", flag, None),
        wrap_up=fields.take("wrap_up", duration, None),
        presence=fields.take("presence", _presence, None),
        closed=fields.take("closed", texts, None),
        hours=fields.take("hours", hours, None),
        response_target=fields.take("response_target", duration, None),
        service_level=fields.take("service_level", _service_level, None),
    )


policy = table(policy_of)
