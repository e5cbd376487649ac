"""A worker as one would write it in a hurry: it reads what is due, sends, and notes it afterwards, without a claim.

The negative control of test_faults.py: what is asserted of the real one must fail on this one.
"""

from services.notices.channels import CHANNELS
from services.notices.composing import compose
from services.notices.models import Message, MessageState


def deliver() -> None:
    """Send what is due."""
    with CHANNELS["email"].open() as send:
        for message in list(Message.objects.due()):
            send(message, compose(message.kind, message.language))
            Message.objects.filter(pk=message.pk).update(state=MessageState.SENT)
