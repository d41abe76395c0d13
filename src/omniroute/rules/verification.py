"""Verifying numbers: a code that expires, few tries, and what comes of each (U64, M11).

Pure: the code is made from an id that was drawn, and is kept as a digest. Whether it reached
whoever has the number is the verifier's business, not this one's.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from omniroute.instants import MINUTE
from omniroute.lazy import later
from omniroute.model.records import NumberVerification
from omniroute.model.state import Verification
from omniroute.model.values import frozen

if TYPE_CHECKING:
    import hashlib
    import hmac
else:
    hashlib, hmac = later(globals(), None, "hashlib", "hmac")

__all__ = ["ATTEMPTS", "CODE_LIFE", "CodeRefusal", "Tried", "code_from", "requested", "tried"]

CODE_LIFE: Final = 10 * MINUTE
"""How long a code holds; at that instant itself no more."""

ATTEMPTS: Final = 5
"""How often a code may be entered wrongly before it is void."""

_DIGITS: Final = 6


class CodeRefusal(StrEnum):
    """Why a code proved nothing."""

    WRONG = "wrong"
    TOO_MANY = "too_many"
    EXPIRED = "expired"
    NOT_ASKED = "not_asked"


@frozen
class Tried:
    """What became of a verification when a code was entered, and why it was refused, if it was."""

    verification: NumberVerification
    refusal: CodeRefusal | None


def code_from(drawn: str) -> str:
    """Return the code of six digits that a drawn id stands for."""
    number = int.from_bytes(hashlib.sha256(drawn.encode()).digest(), "big")
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def requested(number: str, code: str, now: int) -> NumberVerification:
    """Return the verification that waits for a new code; an earlier one is void."""
    return NumberVerification(
        number, Verification.PENDING, now, _digest(number, now, code), now + CODE_LIFE
    )


def tried(found: NumberVerification | None, number: str, code: str, now: int) -> Tried:
    """Return what becomes of a verification when a code is entered."""
    if found is None:
        unverified = NumberVerification(number, Verification.UNVERIFIED, now)
        return Tried(unverified, CodeRefusal.NOT_ASKED)
    if found.digest is None or found.expires_at is None:
        verified = found.status is Verification.VERIFIED
        return Tried(found, None if verified else CodeRefusal.NOT_ASKED)
    if now >= found.expires_at:
        return Tried(_ended(found, Verification.UNVERIFIED, now), CodeRefusal.EXPIRED)
    if hmac.compare_digest(found.digest, _digest(number, found.at, code)):
        return Tried(_ended(found, Verification.VERIFIED, now), None)
    attempts = found.attempts + 1
    if attempts >= ATTEMPTS:
        return Tried(_ended(found, Verification.UNVERIFIED, now, attempts), CodeRefusal.TOO_MANY)
    waiting = NumberVerification(
        number, found.status, found.at, found.digest, found.expires_at, attempts
    )
    return Tried(waiting, CodeRefusal.WRONG)


def _ended(
    found: NumberVerification, status: Verification, now: int, attempts: int | None = None
) -> NumberVerification:
    used = found.attempts if attempts is None else attempts
    return NumberVerification(found.number, status, now, attempts=used)


def _digest(number: str, at: int, code: str) -> str:
    return hashlib.sha256(f"{number} {at} {code.strip()}".encode()).hexdigest()
