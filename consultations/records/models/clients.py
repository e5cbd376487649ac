"""Clients: people who asked for help and chose to be known to the desk."""

import secrets

from django.apps import apps
from django.conf import settings
from django.db import models

from services.accounts.roles import Role
from services.base.encryption import EncryptedTextField
from services.base.public_ids import PublicIdField
from services.base.retention import RetentionPolicy

ALPHABET = "23456789CDFGHJKLMNPQRTVWXYZ"  # no characters that look or sound alike, and no vowels that form words


def client_code() -> str:
    """Return a new code that is easy to say on the phone: K7F2-QX9M. One of 27**8, so it cannot be guessed."""
    characters = "".join(secrets.choice(ALPHABET) for _position in range(8))
    return f"{characters[:4]}-{characters[4:]}"


class ClientQuerySet(models.QuerySet):
    """Queries for clients."""

    def visible_to(self, user) -> "ClientQuerySet":
        """Clients of the user's readable consultations and cases, and clients they registered that have none yet."""
        if not user.is_authenticated or not user.has_role(Role.ADVISER, Role.MANAGER):
            return self.none()
        client = models.OuterRef("pk")
        consultations = apps.get_model("consultations.Consultation").objects
        cases = apps.get_model("consultations.Case").objects
        has_records = models.Exists(consultations.filter(client=client)) | models.Exists(cases.filter(client=client))
        return self.filter(
            models.Exists(consultations.readable_by(user).filter(client=client))
            | models.Exists(cases.readable_by(user).filter(client=client))
            | models.Q(met_by=user) & ~has_records
        )


class Client(models.Model):
    """A person whom the desk may know by name, because they chose so. Nobody else has a row in any table.

    Name and contact are encrypted; blind indexes find equal values without revealing them. Only the contact methods in
    `safe_channels` may be used: a phone call can put a person in danger. Whoever may read one of the person's
    consultations may know of them. A restricted case shares its client with no other record, so that nobody who knew an
    old address learns the new one. `merged_into` leads directly to the record that has taken over, never in two steps.

    On purpose there is no link to an account: what a person says at the desk is not tied to how they sign in. So the
    page of one's own data (`/me/data/`) does not include the desk. At the desk a person who shows their code gets their
    record, or has it deleted (`consultations.records.clients.forget_client`).
    """

    RETENTION = RetentionPolicy(
        "Helping a person who comes back. Deleted five years after their last visit, or later if a case of theirs is "
        "still open.",
        since="last_seen_at",
        days=5 * 365,
        only=~models.Q(cases__state="open") & ~models.Q(consultations__case__state="open"),
    )

    public_id = PublicIdField()
    code = models.CharField(max_length=9, unique=True, default=client_code, editable=False)
    name = EncryptedTextField(index="name_index")
    contact = EncryptedTextField(index="contact_index")
    name_index = models.CharField(max_length=32, blank=True, db_index=True)
    contact_index = models.CharField(max_length=32, blank=True, db_index=True)
    language = models.CharField(max_length=12)
    safe_channels = models.JSONField(default=list, blank=True)
    last_seen_at = models.DateTimeField(db_index=True)
    met_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    merged_into = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    objects = ClientQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self):
        return self.code

    @property
    def as_merged(self) -> "Client":
        """The record that has taken over from this one by a merge, or this one itself."""
        return self.merged_into or self
