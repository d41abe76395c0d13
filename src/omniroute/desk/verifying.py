"""The flows of verifying numbers, and what keeps an unverified one from a queue (U64, M11)."""

from __future__ import annotations

from collections.abc import Callable

from omniroute.desk.permission import permit
from omniroute.desk.unit import Unit
from omniroute.errors import Problem, UsageError
from omniroute.model.desk_config import DeskConfig
from omniroute.model.events import NumberVerificationChanged
from omniroute.model.records import NumberVerification
from omniroute.model.state import Verification
from omniroute.ports import Transaction
from omniroute.rules.names import join, quoted, unknown
from omniroute.rules.resolution import Setup
from omniroute.rules.roles import Right
from omniroute.rules.verification import CodeRefusal, code_from, requested, tried
from omniroute.schema import NUMBER_VERIFICATIONS

__all__ = ["confirm", "known", "request", "unverified"]


def known(setup: Setup, number: str) -> None:
    """Raise `UsageError` for a number that the configuration does not have."""
    if number not in setup.config.numbers:
        text = unknown(f"there is no number {quoted(number)}", setup.config.numbers, number)
        raise UsageError(text, where="number")


def unverified(
    tx: Transaction, desk: str, config: DeskConfig, before: DeskConfig | None = None
) -> list[Problem]:
    """Return a problem for each number that is assigned to a queue anew and not verified (U64)."""
    found = []
    for number, each in config.numbers.items():
        earlier = before.numbers.get(number) if before else None
        runs = earlier is not None and earlier.queue is not None
        if each.queue is None or each.verified or runs:
            continue
        kept = tx.get(NUMBER_VERIFICATIONS, desk, (number,))
        if kept is None or kept.status is not Verification.VERIFIED:
            text = (
                "the number is not verified: add it without a queue, then desk.numbers verifies it; "
                "or say verified = true, where you know that it is yours"
            )
            found.append(Problem(join("numbers", number, "queue"), text))
    return found


def request(number: str, *, by: str | None) -> Callable[[Unit], tuple[NumberVerification, str]]:
    """Return the flow of asking for a code; it returns the verification and the code."""

    def flow(unit: Unit) -> tuple[NumberVerification, str]:
        actor = permit(unit, by, Right.CONFIGURE)
        known(unit.setup, number)
        kept = unit.tx.get(NUMBER_VERIFICATIONS, unit.desk, (number,))
        declared = unit.setup.config.numbers[number].verified
        if declared or (kept is not None and kept.status is Verification.VERIFIED):
            raise UsageError(f"{quoted(number)} is verified already", where="number")
        code = code_from(unit.draw.next("code"))
        waiting = requested(number, code, unit.now)
        _keep(unit, waiting, actor)
        return waiting, code

    return flow


def confirm(
    number: str, code: str, *, by: str | None
) -> Callable[[Unit], tuple[NumberVerification, CodeRefusal | None]]:
    """Return the flow of entering a code. A refused try counts, so that it is no error."""

    def flow(unit: Unit) -> tuple[NumberVerification, CodeRefusal | None]:
        actor = permit(unit, by, Right.CONFIGURE)
        known(unit.setup, number)
        kept = unit.tx.get(NUMBER_VERIFICATIONS, unit.desk, (number,))
        outcome = tried(kept, number, code, unit.now)
        if kept is not None and outcome.verification != kept:
            _keep(unit, outcome.verification, actor)
        return outcome.verification, outcome.refusal

    return flow


def _keep(unit: Unit, each: NumberVerification, actor: str) -> None:
    unit.tx.put(NUMBER_VERIFICATIONS, unit.desk, each)
    unit.write_event(
        NumberVerificationChanged(
            each.number, unit.now, actor, each.status, each.expires_at, each.attempts
        )
    )
