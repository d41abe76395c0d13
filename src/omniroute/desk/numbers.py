"""`desk.numbers`: the desk's phone numbers, and proving that they are its own (U63 to U65, M11).

A code goes out after its transaction has committed, through the plugin that takes it
(`omniroute_send_code`); without one the host gets it and brings it to the number itself.
"""

from __future__ import annotations

import builtins
from datetime import datetime

from attrs import field

from omniroute.clock import resolve_now
from omniroute.desk import verifying
from omniroute.desk.runtime import Runtime
from omniroute.instants import from_micros
from omniroute.model.records import NumberVerification
from omniroute.model.state import Verification
from omniroute.model.values import frozen
from omniroute.ports import Transaction
from omniroute.rules.arguments import blaming
from omniroute.rules.resolution import Setup
from omniroute.rules.storable import check_text
from omniroute.rules.verification import ATTEMPTS, CodeRefusal
from omniroute.schema import NUMBER_VERIFICATIONS

__all__ = ["CodeConfirmation", "CodeRequest", "NumberView", "Numbers"]


@frozen(kw_only=True)
class NumberView:
    """A number as it stood when read. While a code waits: until when it holds, and the tries left."""

    number: str
    label: str
    queue: str | None
    global_outbound: bool
    status: Verification
    expires_at: datetime | None
    attempts_left: int | None


@frozen
class CodeRequest:
    """A code that was asked for. `code` is None where a plugin took it: nobody else sees it then."""

    number: NumberView
    code: str | None = field(repr=False)


@frozen
class CodeConfirmation:
    """What entering a code came to; `refusal` is None once the number is verified."""

    number: NumberView
    refusal: CodeRefusal | None


@blaming
class Numbers:
    """The desk's numbers. Verifying one needs the role administrator; without `by` the host acts."""

    def __init__(self, desk: str, runtime: Runtime) -> None:
        self._desk = desk
        self._runtime = runtime

    def list(
        self, *, queue: str | None = None, status: Verification | None = None
    ) -> builtins.list[NumberView]:
        """Return the configured numbers: of a queue, or in a status; a queue is offered verified ones."""

        def work(tx: Transaction, setup: Setup) -> builtins.list[NumberView]:
            views = []
            for number, each in setup.config.numbers.items():
                if queue is None or each.queue == queue:
                    kept = tx.get(NUMBER_VERIFICATIONS, self._desk, (number,))
                    views.append(_view(setup, number, kept))
            return [each for each in views if status is None or each.status is status]

        return self._runtime.look(self._desk, work)

    def request_code(
        self, number: str, *, by: str | None = None, now: datetime | None = None
    ) -> CodeRequest:
        """Make a code for a number, which then is pending, and hand it to the verifier.

        It holds for 10 minutes and five tries; an earlier one is void. `UsageError` for a number that
        is not configured, or is verified. What the plugin raises passes through; the number stays
        pending, and another code can be asked for.
        """
        flow = verifying.request(number, by=by)
        instant = resolve_now(now, self._runtime.clock)
        waiting, code = self._runtime.run(self._desk, instant, flow)
        send = self._runtime.registry.send_code
        sent = send is not None and send(desk=self._desk, number=number, code=code)
        view = self._runtime.look(self._desk, lambda _, setup: _view(setup, number, waiting))
        return CodeRequest(view, None if sent else code)

    def confirm(
        self, number: str, code: str, *, by: str | None = None, now: datetime | None = None
    ) -> CodeConfirmation:
        """Enter a code. A wrong, late or void one is told as `refusal` and counted, not raised."""
        check_text(code, "code")
        flow = verifying.confirm(number, code, by=by)
        instant = resolve_now(now, self._runtime.clock)
        kept, refusal = self._runtime.run(self._desk, instant, flow)
        view = self._runtime.look(self._desk, lambda _, setup: _view(setup, number, kept))
        return CodeConfirmation(view, refusal)


def _view(setup: Setup, number: str, kept: NumberVerification | None) -> NumberView:
    each = setup.config.numbers[number]
    until = None if kept is None else kept.expires_at
    status = Verification.UNVERIFIED if kept is None else kept.status
    if each.verified:
        status, until = Verification.VERIFIED, None
    waits = kept is not None and status is Verification.PENDING
    return NumberView(
        number=number,
        label=each.label,
        queue=each.queue,
        global_outbound=each.global_outbound,
        status=status,
        expires_at=None if until is None else from_micros(until, setup.config.zone),
        attempts_left=ATTEMPTS - kept.attempts if kept is not None and waits else None,
    )
