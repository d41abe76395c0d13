"""SLA: what people write, the instants it comes to, and how each clock stands.

`targets` reads values, `counting` counts open time, `clocks` starts, stops and pauses the clocks of a
conversation, `history` tells the same from the whole log, `service_level` counts answers.
"""

from omniroute.rules.sla.targets import (
    SLA_FORMS,
    due,
    is_blank,
    is_overdue,
    parse_sla,
    sla_seconds,
)

__all__ = ["SLA_FORMS", "due", "is_blank", "is_overdue", "parse_sla", "sla_seconds"]
