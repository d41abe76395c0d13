"""A stand-in for the WhatsApp Cloud API: a real HTTP server on 127.0.0.1, for demos and tests.

`server` checks what it gets, answers and refuses in the provider's shape, counts what it accepted,
and can be told to fail; `outbound` judges what a business sends; `webhooks` makes what the provider
sends. Where the provider lets a mistake pass in silence (a business-scoped id in `to` is accepted
and never delivered) the stand-in refuses it.
"""

from omniroute.testing.standin.outbound import OutboundMessage, read_outbound
from omniroute.testing.standin.server import StandInProvider
from omniroute.testing.standin.webhooks import WebhookBuilder

__all__ = ["OutboundMessage", "StandInProvider", "WebhookBuilder", "read_outbound"]
