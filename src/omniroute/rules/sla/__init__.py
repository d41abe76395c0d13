"""SLA: what people write, the instants it comes to, and how each clock stands.

`targets` reads values, `counting` counts open time, `clocks` folds events to how the clocks of a
conversation stand, `deciding` works out when they are due, `status` says how they stand at an instant,
`service_level` counts who was answered in time.
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
