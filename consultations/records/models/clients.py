"""Those who ask for help and chose to be known to the desk."""

import secrets

from django.apps import apps
from django.conf import settings
from django.db import models

from services.accounts.roles import Role
from services.base.keeping import Keeping
from services.base.public_ids import PublicIdField
from services.base.sealed import SealedField

ALPHABET = "23456789CDFGHJKLMNPQRTVWXYZ"  # no letters and digits that look or sound alike, no words


def client_code() -> str:
    """A new code that somebody can say on the telephone: K7F2-QX9M. 27 to the eighth, so nobody finds one by trying."""
    marks = "".join(secrets.choice(ALPHABET) for _mark in range(8))
    return f"{marks[:4]}-{marks[4:]}"


class ClientQuerySet(models.QuerySet):
    """Questions about those whom the desk knows."""

    def visible_to(self, user) -> "ClientQuerySet":
        """Whoever may read one of their consultations or cases knows of them; before there is one, who met them."""
        if not user.is_authenticated or not user.has_role(Role.ADVISER, Role.MANAGER):
            return self.none()
        its = models.OuterRef("pk")
        consultations = apps.get_model("consultations.Consultation").objects
        cases = apps.get_model("consultations.Case").objects
        threads = models.Exists(consultations.filter(client=its)) | models.Exists(cases.filter(client=its))
        return self.filter(
            models.Exists(consultations.readable_by(user).filter(client=its))
            | models.Exists(cases.readable_by(user).filter(client=its))
            | models.Q(met_by=user) & ~threads
        )


class Client(models.Model):
    """Somebody whom the desk may know by name, because they chose so. Everybody else is in no table.

    Name and contact are sealed; the indexes find the same one again without telling who it is. What is in
    `safe_channels` may be used to reach them, and nothing else: a call can endanger somebody. Whoever may read one of
    their consultations may know of them. A restricted case shares its client with nothing else, so that no new address
    reaches who knew an old one. `merged_into` leads to the record that has the threads now, never by way of another.

    On purpose no row leads from here to an account: what somebody says at the desk is not tied to how they sign in.
    So the page of one's own data (`/me/data/`) knows nothing of the desk; a person takes their record along or has it
    forgotten at the desk, where they show their code (`consultations.actions.clients.forget_client`).
    """

    KEEPING = Keeping(
        "Going on helping somebody who comes back. Five years after their last visit it is deleted, or later, once no "
        "case of theirs is open.",
        since="last_seen_at",
        days=5 * 365,
        only=~models.Q(cases__state="open") & ~models.Q(consultations__case__state="open"),
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
        """The record that has this one's threads now: itself, or the one that it was merged into."""
        return self.merged_into or self
