"""The desks that the fault programs work on, and the commands that they give, as plain data.

A command is a dict: what to `do`, on which `desk`, and its `mark`, by which the checker finds it
again. Only omniroute's public face is used.
"""

from __future__ import annotations

import inspect
import time
import warnings
from typing import Any, Protocol

import omniroute as om
from omniroute.errors import DurabilityWarning
from omniroute.testing.scripted import ScriptedPlugin
from tests.faults.modes import assigning
from tests.faults.modes import staff as person

__all__ = ["CHANNEL", "Lookup", "entry_point", "office", "open_desks", "perform", "takes_keys"]

CHANNEL = "chat"


def entry_point(queue: int) -> str:
    """Return the name and address of the way into a queue."""
    return f"door-{queue}"


def office(
    desk: str, *, agents: int, queues: int, soft_max: int, sla: str = "7d", modes: bool = False
) -> om.DeskConfig:
    """Return a desk of so many agents, each of whom serves two neighbouring queues.

    With `modes` queues are assigned in every way there is (`tests.faults.modes`).
    """
    inboxes: dict[str, Any] = {
        f"q{number}": {"sla": sla} | ({"policy": {"assign": assigning(number)}} if modes else {})
        for number in range(queues)
    }
    inboxes["q0"]["primary_for"] = [CHANNEL]
    doors: dict[str, Any] = {
        entry_point(number): {"channel": CHANNEL, "address": f"{desk}-{number}"}
        | ({"override": {"inbox": f"q{number}"}} if number else {})
        for number in range(queues)
    }
    after_end = "queue" if modes else "new"
    capacity = {"goal": soft_max, "soft_max": soft_max, "hard_max": soft_max}
    staff = {
        f"a{number:02}": {"serves": sorted({f"q{number % queues}", f"q{(number + 1) % queues}"})}
        | (person(number) if modes else {})
        for number in range(agents)
    }
    return om.load_config(
        {
            "desk": desk,
            "zone": "UTC",
            "preset": "push",
            "policy": {"capacity": {"messaging": capacity}, "after_end": {"to": after_end}},
            "inboxes": inboxes,
            "entry_points": doors,
            "groups": {"tier1": {}, "tier2": {}} if modes else {},
            "agents": staff,
        }
    )


def open_desks(url: str) -> om.Desks:
    """Return the desks of a database, with a provider that takes whatever it is given.

    Servers that run without fsync survive what is done to them here: no warning is due.
    """
    desks = om.Desks(url, plugins=[ScriptedPlugin((CHANNEL,))], discover=False, builtin=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DurabilityWarning)
        desks.ids()  # the first transaction looks at the server's settings
    return desks


def takes_keys(command: str) -> bool:
    """Return whether a command of the desk can be repeated under an idempotency key."""
    return "key" in inspect.signature(getattr(om.Desk, command)).parameters


class Lookup(Protocol):
    """Where a desk is found by its name: the store, or a dict of desks that were found before."""

    def __getitem__(self, name: str, /) -> om.Desk:
        """Return the desk."""
        ...


def perform(desks: Lookup, command: dict[str, Any]) -> dict[str, Any]:
    """Carry a command out and return what a client learns of it: a conversation, or an error."""
    try:
        return _COMMANDS[command["do"]](desks[command["desk"]], command)
    except om.StoreError as error:
        return {"retry": True, "error": type(error).__name__, "text": str(error)}
    except om.OmnirouteError as error:
        return {"error": type(error).__name__, "text": str(error)}


def _receive(desk: om.Desk, command: dict[str, Any]) -> dict[str, Any]:
    door = command["door"]
    item = om.Inbound(
        kind=om.InboundKind.MESSAGE,
        key=command["key"],
        address=desk.config.entry_points[door].address,
        sender=om.Sender(addresses=(command["contact"],), name=command["contact"]),
        at=time.time_ns() // 1_000,
        text=command["mark"],
    )
    received = desk.receive(door, item)
    return {"result": received.items[0].result, **_seen(received.conversations[0])}


def _reply(desk: om.Desk, command: dict[str, Any]) -> dict[str, Any]:
    written = desk.reply(
        command["conversation"], command["mark"], by=command["by"], **_key(command)
    )
    return {"conversation": written.conversation, "message": written.id}


def _note(desk: om.Desk, command: dict[str, Any]) -> dict[str, Any]:
    written = desk.note(command["conversation"], command["mark"], by=command["by"], **_key(command))
    return {"conversation": written.conversation, "message": written.id}


def _end(desk: om.Desk, command: dict[str, Any]) -> dict[str, Any]:
    ended = desk.end(
        command["conversation"], by=command["by"], disposition=command["mark"], **_key(command)
    )
    return _seen(ended)


def _available(desk: om.Desk, command: dict[str, Any]) -> dict[str, Any]:
    desk.set_available(command["by"], command["available"])
    return {}


def _key(command: dict[str, Any]) -> dict[str, Any]:
    return {"key": command["key"]} if takes_keys(command["do"]) else {}


def _seen(conversation: om.ConversationView) -> dict[str, Any]:
    return {
        "conversation": conversation.id,
        "state": conversation.state.value,
        "agent": conversation.agent,
    }


_COMMANDS = {
    "receive": _receive,
    "reply": _reply,
    "note": _note,
    "end": _end,
    "available": _available,
}
