"""Values as text: what stores keep, and what the face gives out as JSON.

The stored form is compact JSON, versioned by collection and canonical: equal values give equal
bytes. The public form shows every field, instants as ISO-8601. No secret passes either (R15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniroute.lazy import exports

if TYPE_CHECKING:
    from omniroute.codec.names import INSTANTS, KINDS
    from omniroute.codec.public import as_json, json_schema
    from omniroute.codec.stored import UPCASTS, Upcast, decode, encode

__all__ = ["INSTANTS", "KINDS", "UPCASTS", "Upcast", "as_json", "decode", "encode", "json_schema"]

_HOMES = {
    "omniroute.codec.names": ("INSTANTS", "KINDS"),
    "omniroute.codec.public": ("as_json", "json_schema"),
    "omniroute.codec.stored": ("UPCASTS", "Upcast", "decode", "encode"),
}

__getattr__ = exports(__name__, _HOMES)
