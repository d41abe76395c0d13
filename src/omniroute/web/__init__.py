"""The way in over HTTP: from a request to a desk and an answer."""

from omniroute.web.webhook import handle_webhook

__all__ = ["handle_webhook"]
