"""Values as text: what stores keep, and what the face gives out as JSON.

The stored form is compact JSON, versioned by collection and canonical: equal values give equal
bytes. The public form shows every field, instants as ISO-8601. No secret passes either (R15).
"""

from omniroute.codec.names import INSTANTS, KINDS
from omniroute.codec.public import as_json, json_schema
from omniroute.codec.stored import UPCASTS, Upcast, decode, encode

__all__ = ["INSTANTS", "KINDS", "UPCASTS", "Upcast", "as_json", "decode", "encode", "json_schema"]
