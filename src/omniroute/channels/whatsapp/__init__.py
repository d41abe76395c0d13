"""WhatsApp through the Cloud API that Meta hosts.

`adapter` is the interface's face; `parsing` and `content` read webhooks, `sending` and `results`
write messages and judge the answers, `settings` holds credentials and limits. Facts about the
provider are from its documentation ("WhatsApp Business Platform", developers.facebook.com) unless a
comment says otherwise.
"""

from omniroute.channels.whatsapp.adapter import WhatsAppAdapter
from omniroute.channels.whatsapp.settings import WhatsAppSettings

__all__ = ["WhatsAppAdapter", "WhatsAppSettings"]
