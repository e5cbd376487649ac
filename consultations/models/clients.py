"""Those who ask for help and chose to be known to the desk."""

import secrets

from django.db import models

from services.base.keeping import Keeping
from services.base.public_ids import PublicIdField
from services.base.sealed import SealedField

ALPHABET = "23456789CDFGHJKLMNPQRTVWXYZ"  # no letters and digits that look or sound alike, no words


def client_code() -> str:
    """A new code that somebody can say on the telephone: K7F2-QX9M. 27 to the eighth, so nobody finds one by trying."""
    marks = "".join(secrets.choice(ALPHABET) for _mark in range(8))
    return f"{marks[:4]}-{marks[4:]}"


class Client(models.Model):
    """Somebody whom the desk may know by name, because they chose so. Everybody else is in no table.

    Name and contact are sealed; the indexes find the same one again without telling who it is. What is in
    `safe_channels` may be used to reach them, and nothing else: a call can endanger somebody. Whoever may read one of
    their consultations may know of them.
    """

    KEEPING = Keeping(
        "Going on helping somebody who comes back. Five years after their last visit it is deleted.",
        since="last_seen_at",
        days=5 * 365,
    )

    public_id = PublicIdField()
    code = models.CharField(max_length=9, unique=True, default=client_code, editable=False)
    name = SealedField(index="name_index")
    contact = SealedField(index="contact_index")
    name_index = models.CharField(max_length=32, blank=True, db_index=True)
    contact_index = models.CharField(max_length=32, blank=True, db_index=True)
    language = models.CharField(max_length=12)
    safe_channels = models.JSONField(default=list, blank=True)
    last_seen_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self):
        return self.code
