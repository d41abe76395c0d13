"""How statuses merge, when to try again, and what a channel can carry."""

from __future__ import annotations

from itertools import pairwise, permutations, product

import pytest

from omniroute.errors import UnsupportedContent
from omniroute.instants import HOUR, MINUTE, SECOND
from omniroute.model.wire import Attachment, Capabilities, DeliveryStatus, MediaLimit
from omniroute.rules.delivery import MAX_ATTEMPTS, check_content, merge_status, retry_at
from omniroute.testing import NOW

D = DeliveryStatus
DAY = 24 * HOUR


def merged(*reports: DeliveryStatus) -> DeliveryStatus | None:
    status: DeliveryStatus | None = D.PENDING
    for report in reports:
        status = merge_status(status, report) or status
    return status


@pytest.mark.parametrize("order", [*permutations([D.SENT, D.DELIVERED, D.READ])])
def test_reports_in_any_order_come_to_the_furthest(order: tuple[DeliveryStatus, ...]) -> None:
    assert merged(*order) is D.READ


@pytest.mark.parametrize("status", D)
def test_the_same_report_again_adds_nothing(status: DeliveryStatus) -> None:
    assert merge_status(status, status) is None


@pytest.mark.parametrize("status", D)
def test_the_first_report_is_taken(status: DeliveryStatus) -> None:
    assert merge_status(None, status) is status


@pytest.mark.parametrize(
    "reports,expected",
    [
        ([D.SENT, D.FAILED], D.FAILED),
        ([D.UNKNOWN, D.FAILED], D.FAILED),
        ([D.FAILED, D.SENT], D.FAILED),
        ([D.FAILED, D.UNKNOWN], D.FAILED),
        ([D.DELIVERED, D.FAILED], D.DELIVERED),
        ([D.READ, D.FAILED], D.READ),
        ([D.FAILED, D.DELIVERED], D.DELIVERED),
        ([D.FAILED, D.READ], D.READ),
        ([D.UNKNOWN, D.SENT], D.SENT),
        ([D.SENT, D.UNKNOWN], D.SENT),
    ],
)
def test_a_failure_stands_until_the_message_is_seen_to_have_arrived(
    reports: list[DeliveryStatus], expected: DeliveryStatus
) -> None:
    assert merged(*reports) is expected


def test_no_two_reports_can_chase_each_other() -> None:
    for one, other in product(D, D):
        forth = merge_status(one, other)
        assert forth in (None, other)
        assert forth is None or one is other or merge_status(other, one) is None


# --- trying again ---------------------------------------------------------------------------------


def test_delays_double_from_five_seconds_to_an_hour_with_a_quarter_of_jitter() -> None:
    for attempts in range(1, 40):
        delay = min(5 * SECOND * 2 ** (attempts - 1), HOUR)
        assert NOW + delay <= retry_at(NOW, attempts, "m_1") < NOW + delay + delay // 4
    delays = [retry_at(NOW, attempts, "m_1") for attempts in range(1, MAX_ATTEMPTS)]
    assert all(one < other for one, other in pairwise(delays))


def test_jitter_sets_messages_apart_and_is_the_same_each_time() -> None:
    delays = {retry_at(NOW, 3, f"m_{n}") for n in range(50)}
    assert len(delays) > 25
    assert delays == {retry_at(NOW, 3, f"m_{n}") for n in range(50)}


def test_the_providers_own_wish_is_kept() -> None:
    assert retry_at(NOW, 1, "m_1", after=10 * MINUTE) == NOW + 10 * MINUTE
    assert retry_at(NOW, 9, "m_1", after=SECOND) > NOW + 20 * MINUTE


def test_a_wish_beyond_all_measure_is_cut_short() -> None:
    assert retry_at(NOW, 1, "m_1", after=30 * DAY) == NOW + 30 * DAY
    assert retry_at(NOW, 1, "m_1", after=2**63 - 1) == NOW + 30 * DAY
    assert retry_at(NOW, 1, "m_1", after=-(2**63)) == retry_at(NOW, 1, "m_1")


# --- content --------------------------------------------------------------------------------------

PICTURES = Capabilities(text_limit=100, media={"image": MediaLimit(max_bytes=1000)})
PICTURE = Attachment(kind="image", ref="media-1", size=1000)


@pytest.mark.parametrize("text,attachments", [("Hi", ()), ("Hi", (PICTURE,)), (None, (PICTURE,))])
def test_what_the_channel_carries_is_taken(
    text: str | None, attachments: tuple[Attachment, ...]
) -> None:
    check_content(PICTURES, text, attachments)


@pytest.mark.parametrize(
    "text,attachments,where,got",
    [
        (None, (), "text", None),
        ("", (), "text", None),
        (" \n\t", (), "text", None),
        ("Hi", (PICTURE, Attachment(kind="video")), "attachments[1].kind", "'video'"),
        ("Hi", (Attachment(kind="image", size=1001),), "attachments[0].size", "1001"),
    ],
)
def test_what_it_cannot_carry_is_refused_with_its_place(
    text: str | None, attachments: tuple[Attachment, ...], where: str, got: str | None
) -> None:
    with pytest.raises(UnsupportedContent) as raised:
        check_content(PICTURES, text, attachments)
    assert (raised.value.where, raised.value.got) == (where, got)


def test_a_channel_without_files_says_so() -> None:
    with pytest.raises(UnsupportedContent, match="no files"):
        check_content(Capabilities(text_limit=100), "Hi", (PICTURE,))
