"""Tables on their way into the log."""

from django.conf import settings
from django.db import models

from services.base.keeping import Keeping
from services.base.public_ids import PublicIdField
from services.base.sealed import SealedField


class Upload(models.Model):
    """A past log as somebody uploaded it, sealed until it is taken over or thrown away. Only they can open it."""

    KEEPING = Keeping("Taking over a past log. A day later it is deleted.", since="made_at", days=1)

    public_id = PublicIdField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    text = SealedField()
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-made_at"]

    def __str__(self):
        return self.public_id
