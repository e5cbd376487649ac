"""Messages in the ledger."""

import factory

from services.notices.models import Message


class MessageFactory(factory.django.DjangoModelFactory):
    """A waiting code for signing in, due at once."""

    class Meta:
        model = Message

    kind = "accounts/sign_in_code"
    address = factory.Sequence(lambda number: f"reader{number}@example.org")
    language = "ne"
    context = factory.LazyFunction(lambda: {"code": "ABC123"})
