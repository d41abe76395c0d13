"""Codes for numbers: how long they hold, how often they may be wrong."""

from __future__ import annotations

import pytest

from omniroute.model.state import Verification
from omniroute.rules.verification import (
    ATTEMPTS,
    CODE_LIFE,
    CodeRefusal,
    code_from,
    requested,
    tried,
)
from omniroute.testing import NOW

NUMBER = "+4930901820"


@pytest.mark.req("M11")
def test_the_code_proves_the_number_and_is_kept_as_a_digest() -> None:
    waiting = requested(NUMBER, "123456", NOW)
    assert (waiting.status, waiting.expires_at) == (Verification.PENDING, NOW + CODE_LIFE)
    assert "123456" not in repr(waiting)
    done = tried(waiting, NUMBER, " 123456 ", NOW + CODE_LIFE - 1)
    assert (done.verification.status, done.refusal) == (Verification.VERIFIED, None)
    assert done.verification.digest is None
    assert tried(done.verification, NUMBER, "000000", NOW + 1) == type(done)(
        done.verification, None
    )


@pytest.mark.req("M11")
def test_at_the_instant_it_expires_a_code_no_longer_holds() -> None:
    late = tried(requested(NUMBER, "123456", NOW), NUMBER, "123456", NOW + CODE_LIFE)
    assert (late.verification.status, late.refusal) == (
        Verification.UNVERIFIED,
        CodeRefusal.EXPIRED,
    )
    again = tried(late.verification, NUMBER, "123456", NOW + CODE_LIFE)
    assert again.refusal is CodeRefusal.NOT_ASKED
    assert tried(None, NUMBER, "123456", NOW).refusal is CodeRefusal.NOT_ASKED


@pytest.mark.req("M11")
def test_after_the_last_wrong_try_the_right_code_proves_nothing() -> None:
    found = requested(NUMBER, "123456", NOW)
    told: list[CodeRefusal | None] = []
    for _ in range(ATTEMPTS):
        outcome = tried(found, NUMBER, "654321", NOW)
        found, told = outcome.verification, [*told, outcome.refusal]
    assert told == [CodeRefusal.WRONG] * (ATTEMPTS - 1) + [CodeRefusal.TOO_MANY]
    outcome = tried(found, NUMBER, "123456", NOW)
    assert (outcome.verification.status, outcome.refusal) == (
        Verification.UNVERIFIED,
        CodeRefusal.NOT_ASKED,
    )


def test_a_code_has_six_digits_and_differs_with_what_was_drawn() -> None:
    codes = {code_from(f"code_{number}") for number in range(50)}
    assert len(codes) > 45
    assert all(len(code) == 6 and code.isdigit() for code in codes)
