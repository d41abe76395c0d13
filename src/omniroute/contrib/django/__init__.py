"""omniroute in a Django project: desks in Django's own database, on Django's own connections.

    INSTALLED_APPS = [..., "omniroute.contrib.django"]      # then: manage.py migrate

    desks = om.Desks(DjangoStore())
    urlpatterns = [path("webhooks/", webhook_view(desks))]

Inside `transaction.atomic()` every command joins it; outside, each is a transaction of its own.
`omniroute.contrib.django.testing` is for the project's own tests. Needs the extra `django`.
"""

from omniroute.contrib.django.store import DjangoStore
from omniroute.contrib.django.views import webhook_view

__all__ = ["DjangoStore", "webhook_view"]
