"""A naive worker: it reads the due messages, sends them and records that afterwards, without claiming them first.

The negative control of test_faults.py: what holds for the real worker must fail for this one.
"""

from services.messaging.channels import CHANNELS
from services.messaging.models import Message, MessageState
from services.messaging.rendering import render_message


def deliver() -> None:
    """Send the due messages."""
    with CHANNELS["email"].open() as send:
        for message in list(Message.objects.due()):
            send(message, render_message(message.kind, message.language))
            Message.objects.filter(pk=message.pk).update(state=MessageState.SENT)
