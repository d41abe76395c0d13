"""One desk in memory: a customer writes, an agent gets it, and the desk says why."""

from __future__ import annotations

from pathlib import Path

import omniroute as om

desk = om.open_desk("memory://", Path(__file__).with_name("helpdesk.toml"))
for agent in ("ana", "ben"):
    desk.set_available(agent)

# A host that reads its channel itself passes what it read; webhooks go to `om.handle_webhook`.
message = om.Inbound(
    kind=om.InboundKind.MESSAGE,
    key="wamid.1",  # the provider's id: the same message again changes nothing
    address="106540352242923",  # the number it was written to: whatsapp-orders
    sender=om.Sender(addresses=("16505550101",), name="Lucía"),
    text="Where is my order 4711?",
)
received = desk.receive("whatsapp-orders", message)
assert desk.receive("whatsapp-orders", message).duplicates == 1

conversation = received.conversations[0]
print(f"{conversation.agent} has it until {conversation.due:%H:%M:%S}")
print(desk.explain(conversation.id).as_text())
desk.end(conversation.id, by="ana", disposition="on its way")
