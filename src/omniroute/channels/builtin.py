"""The adapters that omniroute ships, registered through the same hook as anybody's."""

from __future__ import annotations

from omniroute.plugins import hookimpl
from omniroute.ports import ChannelAdapter

__all__ = ["BuiltinAdapters"]


class BuiltinAdapters:
    """The plugin that brings the shipped adapters."""

    @hookimpl
    def omniroute_adapters(self) -> list[ChannelAdapter]:
        """Return one instance of each shipped adapter."""
        from omniroute.channels.whatsapp import WhatsAppAdapter

        return [WhatsAppAdapter()]
