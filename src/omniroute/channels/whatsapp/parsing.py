"""From a webhook's body to items: the envelope, who is concerned, statuses and errors.

A webhook holds entries, those changes, and each change lists of messages, echoes, statuses and
errors; several of each may come at once. Every item is read for itself: one that cannot be used is
rejected with its path, and its neighbours stay (R13). What the contact said is read in `content`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any, Final

from attrs import evolve, field, frozen

from omniroute.channels.json_body import JsonNode, read_json
from omniroute.channels.whatsapp.content import first_error, read_content, with_extra
from omniroute.channels.whatsapp.settings import MAX_BODY_BYTES
from omniroute.errors import MalformedPayload, PayloadError
from omniroute.instants import SECOND
from omniroute.model.wire import (
    DeliveryStatus,
    Inbound,
    InboundKind,
    ParseResult,
    Rejected,
    Sender,
)

__all__ = ["find_addresses", "parse_webhook"]

_OBJECT: Final = "whatsapp_business_account"
_FIELDS: Final = frozenset({None, "messages", "smb_message_echoes", "standby", "user_id_update"})
"""The subscriptions that carry items; others (account reviews, templates, calls) do not."""

_LAST_SECOND: Final = 253_402_300_799  # of the year 9999: later ones fit no datetime

_STATUSES: Final[Mapping[str, DeliveryStatus]] = {
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "played": DeliveryStatus.READ,
    "failed": DeliveryStatus.FAILED,
}


def find_addresses(body: bytes) -> list[str]:
    """Return the phone number ids in an unverified body, in order and each once; never raises."""
    try:
        root = JsonNode(read_json(body, max_bytes=MAX_BODY_BYTES))
    except PayloadError:
        return []
    if root["object"].value != _OBJECT:
        return []
    found = [
        change["value"]["metadata"]["phone_number_id"].identifier_or_none()
        for entry in _lenient(root["entry"])
        for change in _lenient(entry["changes"])
    ]
    return list(dict.fromkeys(address for address in found if address is not None))


def _lenient(node: JsonNode) -> Iterator[JsonNode]:
    return iter(node if isinstance(node.value, list) else JsonNode(None))


def parse_webhook(body: bytes, *, max_bytes: int) -> ParseResult:
    """Return the items of a verified body; `PayloadError` only when nothing of it can be read."""
    root = JsonNode(read_json(body, max_bytes=max_bytes))
    if root["object"].value != _OBJECT:
        raise root["object"].refused(f'"{_OBJECT}"')
    if not isinstance(root["entry"].value, list):
        raise root["entry"].refused("an array")
    batch = _Batch()
    for entry in batch.objects(root["entry"]):
        for change in batch.objects(entry["changes"]):
            _read_change(change, batch)
    return ParseResult(items=tuple(batch.items), rejected=tuple(batch.rejected))


@frozen
class _Batch:
    """What was read so far."""

    items: list[Inbound] = field(factory=list)
    rejected: list[Rejected] = field(factory=list)

    def objects(self, node: JsonNode) -> Iterator[JsonNode]:
        """Yield the objects of an array, rejecting what is none."""
        if not isinstance(node.value, list):
            self.reject(node, node.refused("an array"))
            return
        for item in node:
            if isinstance(item.value, dict):
                yield item
            else:
                self.reject(item, item.refused("an object"))

    def take(self, node: JsonNode, read: Callable[[], Inbound]) -> None:
        try:
            self.items.append(read())
        except MalformedPayload as error:
            self.reject(node, error)

    def reject(self, node: JsonNode, error: MalformedPayload) -> None:
        key = node["id"].identifier_or_none()
        self.rejected.append(Rejected(where=node.path, reason=str(error), key=key))


def _read_change(change: JsonNode, batch: _Batch) -> None:
    scene = _Scene(change["value"], change["field"].text_or_none())
    if scene.field not in _FIELDS:
        return
    lists = [name for name in _LISTS if name in scene.value]
    if not lists:
        batch.reject(scene.value, scene.value.refused(f"an object with {' or '.join(_LISTS)}"))
    for name in lists:
        for node in batch.objects(scene.value[name]):
            batch.take(node, partial(_LISTS[name], node, scene))


@frozen
class _Scene:
    """What the items of one change share: the number they came to, and the contacts named there."""

    value: JsonNode
    field: str | None

    def item(self, node: JsonNode, key: str, kind: InboundKind, type_: str) -> Inbound:
        """Return an item without its content."""
        metadata = self.value["metadata"]
        item = Inbound(
            kind=kind,
            key=key,
            address=metadata["phone_number_id"].identifier(),
            at=_instant(node["timestamp"].value),
            type=type_,
        )
        return with_extra(
            item,
            {
                "display_phone_number": metadata["display_phone_number"].identifier_or_none(),
                # Another application answers the contact for now: to be kept, not replied to.
                "standby": True if self.field == "standby" else None,
            },
        )

    def person(self, user_id: str | None, *phones: str | None) -> tuple[Sender | None, JsonNode]:
        """Return who has this business-scoped id or one of these numbers, and their contact entry.

        The business-scoped id comes first: the contact may hide the number, or change it. None when
        there is no address at all.
        """
        contact = self._contact(user_id, phones)
        ids = (user_id, contact["user_id"].identifier_or_none())
        numbers = (*phones, contact["wa_id"].identifier_or_none())
        addresses = tuple(dict.fromkeys(each for each in (*ids, *numbers) if each is not None))
        name = contact["profile"]["name"].text_or_none()
        return (Sender(addresses=addresses, name=name) if addresses else None), contact

    def _contact(self, user_id: str | None, phones: tuple[str | None, ...]) -> JsonNode:
        contacts = list(_lenient(self.value["contacts"]))
        for contact in contacts:
            their_id = contact["user_id"].identifier_or_none()
            if their_id is not None and their_id == user_id:
                return contact
            phone = contact["wa_id"].identifier_or_none()
            if phone is not None and phone in phones and None in (their_id, user_id):
                return contact
        # The provider warns that `wa_id` and the number may differ. Where one contact stands beside
        # one item they belong together, unless the ids say otherwise.
        if len(contacts) == 1 and self._has_one_item():
            only = contacts[0]
            if None in (user_id, only["user_id"].identifier_or_none()):
                return only
        return JsonNode(None)

    def _has_one_item(self) -> bool:
        items = (item for name in _LISTS for item in _lenient(self.value[name]))
        return len(list(islice(items, 2))) == 1


def _instant(value: object) -> int | None:
    """Return seconds (text or a number) as microseconds; None for what is no time.

    A message is not lost over its timestamp: the desk goes by its own clock (S1).
    """
    digits = str(value)
    if isinstance(value, bool) or not (digits.isascii() and digits.isdigit()) or len(digits) > 12:
        return None
    seconds = int(digits)
    return seconds * SECOND if seconds <= _LAST_SECOND else None


def _read_message(node: JsonNode, scene: _Scene) -> Inbound:
    system = node["system"] if node["type"].value == "system" else JsonNode(None)
    # A change of identity may come with no sender: it is about whoever had the old id.
    user_id = node["from_user_id"].identifier_or_none() or _first_id(
        system, "previous_user_id", "user_id"
    )
    sender, contact = scene.person(user_id, node["from"].identifier_or_none())
    if sender is None:
        raise node["from"].refused("a sender, as from or from_user_id")
    key = node["id"].identifier()
    item = scene.item(node, key, InboundKind.MESSAGE, "unknown")
    item = _in_context(evolve(item, sender=sender), node)
    item = with_extra(
        item,
        {
            "username": contact["profile"]["username"].text_or_none(),
            "parent_user_id": node["from_parent_user_id"].identifier_or_none()
            or contact["parent_user_id"].identifier_or_none(),
        },
    )
    return read_content(item, node)


def _first_id(node: JsonNode, *names: str) -> str | None:
    found = (node[name].identifier_or_none() for name in names)
    return next(filter(None, found), None)


def _in_context(item: Inbound, node: JsonNode) -> Inbound:
    """Add what the message answers, its group, and the advertisement it came by."""
    group = node["group_id"].identifier_or_none()
    context = node["context"]
    item = evolve(
        item,
        reply_to=context["id"].identifier_or_none(),
        thread=group or "",
        # An answer belongs in the group, and the group is not an address of the contact.
        carry={"group_id": group} if group else {},
    )
    return with_extra(
        item,
        {
            "group_id": group,
            "referral": node["referral"].value,
            "forwarded": context["forwarded"].value,
            "frequently_forwarded": context["frequently_forwarded"].value,
            "referred_product": context["referred_product"].value,
        },
    )


def _read_echo(node: JsonNode, scene: _Scene) -> Inbound:
    """Read what the business wrote in its own app: the sender is whom it was written to."""
    sender, _ = scene.person(
        node["to_user_id"].identifier_or_none(), node["to"].identifier_or_none()
    )
    if sender is None:
        raise node["to"].refused("a recipient, as to or to_user_id")
    item = scene.item(node, node["id"].identifier(), InboundKind.ECHO, "unknown")
    echo = read_content(_in_context(evolve(item, sender=sender), node), node)
    return evolve(echo, kind=InboundKind.ECHO)


def _read_status(node: JsonNode, scene: _Scene) -> Inbound:
    target, status = node["id"].identifier(), node["status"].identifier()
    item = scene.item(node, target, InboundKind.STATUS, "status")
    item = first_error(evolve(item, target=target), node["errors"])
    group = _group_of(node)
    whom = "recipient_participant" if group else "recipient"
    user_id, phone = (node[f"{whom}_{name}"].identifier_or_none() for name in ("user_id", "id"))
    member = (user_id or phone) if group else None
    known = _STATUSES.get(status)
    item = evolve(
        item,
        # One message has many statuses, in a group for every member, and may fail for many reasons.
        key=":".join(filter(None, (target, status, member, item.error_code))),
        sender=scene.person(user_id, phone)[0],
        thread=group or "",
        status=known,
        kind=InboundKind.STATUS if known else InboundKind.SYSTEM,
        # What we sent along: finds the message when its answer was lost (S12).
        outgoing=node["biz_opaque_callback_data"].text_or_none(),
    )
    return with_extra(item, {"provider_status": status, "group_id": group})


def _group_of(node: JsonNode) -> str | None:
    if node["recipient_type"].value != "group":
        return None
    return node["recipient_id"].identifier_or_none()


def _read_error(node: JsonNode, scene: _Scene) -> Inbound:
    """Read a problem of the account or the number: it concerns no message, and carries no id."""
    item = scene.item(node, "", InboundKind.SYSTEM, "error")
    item = first_error(item, JsonNode([node.value], node.path))
    return evolve(item, key=_content_key("error", item.address, node.value))


def _read_identity(node: JsonNode, scene: _Scene) -> Inbound:
    """Read the change of a business-scoped id, as it was sent before it became a system message."""
    sender, _ = scene.person(
        node["user_id"]["previous"].identifier(), node["wa_id"].identifier_or_none()
    )
    item = scene.item(node, "", InboundKind.SYSTEM, "user_id_update")
    item = evolve(
        item,
        key=_content_key("user_id_update", item.address, node.value),
        sender=sender,
        text=node["detail"].text_or_none(),
        new_addresses=(node["user_id"]["current"].identifier(),),
    )
    return with_extra(item, {"system": node.value})


def _content_key(prefix: str, address: str, value: Any) -> str:
    """Return a key for what has no id: the same content is the same item."""
    content = json.dumps([address, value], sort_keys=True).encode()
    return f"{prefix}:{hashlib.sha256(content).hexdigest()[:32]}"


_LISTS: Final[Mapping[str, Callable[[JsonNode, _Scene], Inbound]]] = {
    "messages": _read_message,
    "message_echoes": _read_echo,
    "statuses": _read_status,
    "errors": _read_error,
    "user_id_update": _read_identity,
}
