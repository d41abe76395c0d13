"""A desk with two inboxes, a tree, and entry points of every kind: what its configuration comes to."""

from __future__ import annotations

from omniroute.instants import MINUTE, SECOND
from omniroute.model.desk_config import (
    AccountConfig,
    DeskConfig,
    EntryPointConfig,
    GroupConfig,
    InboxConfig,
    Override,
    QueueNode,
)
from omniroute.rules.resolution import Setup

TREE = (
    QueueNode("Deutsch", (QueueNode("Technik"), QueueNode("Bestellung"))),
    QueueNode("English"),
)
CONFIG = DeskConfig(
    desk="acme",
    preset="push",
    inboxes={
        "general": InboxConfig(sla=15 * MINUTE, primary_for=("chat", "instagram"), queues=TREE),
        "vip": InboxConfig(sla=2 * MINUTE, primary_for=("sms",)),
    },
    entry_points={
        "widget": EntryPointConfig(channel="chat", address="w1", account="site"),
        "platinum": EntryPointConfig(
            channel="chat", address="w2", override=Override(inbox="vip", sla=40 * SECOND)
        ),
        "gold": EntryPointConfig(channel="chat", address="w3", override=Override(inbox="vip")),
        "slow": EntryPointConfig(channel="chat", address="w4", override=Override(sla=60 * MINUTE)),
        "orders": EntryPointConfig(
            channel="chat", address="w5", queue="general/Deutsch/Bestellung"
        ),
        "insta": EntryPointConfig(channel="instagram", address="w1"),
        "number": EntryPointConfig(channel="sms", address="+49"),
    },
    accounts={"site": AccountConfig()},
    groups={"german": GroupConfig(serves=("general/Deutsch/**",))},
)
SETUP = Setup(CONFIG, 7)
