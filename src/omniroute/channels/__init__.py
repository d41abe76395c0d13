"""Channels: one adapter for each provider, the helpers they share, and the transports.

Adapters turn bytes into items and messages into requests, and do no I/O; `transports` carries
requests out. `json_body` and `text` serve every adapter.
"""

__all__: list[str] = []
