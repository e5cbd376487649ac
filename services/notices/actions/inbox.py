"""What somebody does with the messages on "my page"."""

from django.utils import timezone

from services.notices.models import Message


def mark_as_read(message: Message) -> None:
    """The person has read it. A second time keeps the first time's hour."""
    Message.objects.filter(pk=message.pk, read_at__isnull=True).update(read_at=timezone.now())
