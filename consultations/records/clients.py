"""Register, change, find, notify and forget clients, the people who chose to be known to the desk.

`notify_client` is the portal's only way to write to a client, and uses only contact methods that they called safe.
Its messages are neutral: neither subject, sender nor text says what the person came about.
"""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.records.access import lock_case, lock_cases_of, write_event
from consultations.records.contact_methods import contact_methods
from consultations.records.models import Case, Client, Consultation, EventKind
from consultations.records.models.followups import contact_method_label
from services.accounts.models import User
from services.audit.decryption import decrypt_with_audit
from services.audit.trail import record
from services.base.encryption import blind_index, blind_indexes
from services.base.machine_text import fold_width
from services.base.public_ids import public_id
from services.base.refusals import Refused
from services.messaging.channels import normalise_contact, recognisable_channels, recognise_channel
from services.messaging.kinds import MessageKind
from services.messaging.models import UNSENT, Message, MessageState
from services.messaging.outbox import notify

_MESSAGE_PURPOSE = "what a client was told"  # part of the blind index: do not change it


@transaction.atomic
def identify_client(
    *, by: User, name: str, contact: str, language: str, safe_channels: list[str] = (), case: Case | None = None
) -> Client:
    """Store a person's details at their request. Their code is `client.code`. case: link the case to them.

    Raises `Refused` without a name or contact, if the case already has a client, or if a safe contact method does not
    match the contact.
    """
    if case:
        case = lock_case(case, by=by)
        if case.client:
            raise Refused(pgettext("staff", "The person's details have already been added to this case."))
    client = Client(met_by=by, last_seen_at=timezone.now())
    _set_details(client, name, contact, language, safe_channels)
    client.save(force_insert=True)
    if case:
        case.client = client
        case.save(update_fields=["client"])
        case.consultations.filter(client__isnull=True).update(client=client)
    record(by, "consultations.meet", client, changes=False)
    return client


@transaction.atomic
def change_client(
    client: Client, *, by: User, name: str, contact: str, language: str, safe_channels: list[str]
) -> Client:
    """Change a client's details. Raises `Refused` if the user may not see them."""
    client = _lock_client(client, by)
    _set_details(client, name, contact, language, safe_channels)
    client.save()
    fields = ["name", "contact", "language", "safe_channels"]
    record(by, "consultations.change_client", client, fields=fields, changes=False)
    return client


@transaction.atomic
def forget_client(client: Client, *, by: User) -> None:
    """Delete a client at their request: name, contact and code, also in merged records and in messages sent to them.

    The notes of their consultations stay, encrypted, for their retention period, and no longer lead to the person.
    """
    lock_cases_of(client)
    records = Client.objects.filter(Q(pk=client.pk) | Q(merged_into=client.pk))
    list(records.select_for_update().order_by("pk"))
    client = _lock_client(client, by)
    _forget_messages(records.values_list("public_id", flat=True))
    records.delete()
    record(by, "consultations.forget_client", client, changes=False)


@transaction.atomic
def find_client(code: str, *, by: User) -> Client | None:
    """Return the client with this code if the user may see them. A merged record's code finds its successor."""
    record(by, "consultations.find_client", changes=False)
    visible = Client.objects.visible_to(by)
    found = resolve_client_code(code)
    return visible.filter(pk=found.pk).first() if found else None


def resolve_client_code(code: str) -> Client | None:
    """Return the record that a code leads to now. The caller must check whether the user may know of it."""
    found = Client.objects.select_related("merged_into").filter(code=normalise_code(code)).first()
    return found.as_merged if found else None


@transaction.atomic
def find_earlier_contact(*, by: User, name: str = "", contact: str = "", code: str = "") -> list[str]:
    """Return the names of the staff who keep records of a person with this name, contact or code, and nothing else.

    Restricted records are never searched, whoever asks, so a name in a restricted case looks like an unknown name.
    The search leaves an audit entry, which says which fields were searched and never what was typed.
    """
    typed = {"name": name, "contact": contact, "code": code}
    record(by, "consultations.find_earlier", fields=[key for key, it in typed.items() if it], changes=False)
    matches = Q(pk__in=[])
    if name:
        matches |= Q(name_index__in=blind_indexes(name, "name"))
    if contact:
        matches |= Q(contact_index__in=blind_indexes(normalise_contact(contact), "contact"))
    if code:
        matches |= Q(code=normalise_code(code))
    found = Client.objects.filter(matches)
    clients = Client.objects.filter(Q(pk__in=found) | Q(pk__in=found.values("merged_into"))).values("pk")
    unrestricted = Case.objects.filter(is_restricted=False)
    cases = unrestricted.filter(Q(client__in=clients) | Q(consultations__client__in=clients))
    logged = Consultation.objects.filter(client__in=clients, is_restricted=False, case__isnull=True)
    keepers = {*cases.values_list(Coalesce("merged_into__assigned", "assigned"), flat=True)}
    keepers |= {assigned or adviser for adviser, assigned in logged.values_list("adviser", "assigned")}
    return [str(user) for user in User.objects.filter(pk__in=keepers).order_by("name", "pk")]


@transaction.atomic
def notify_client(client: Client, kind: MessageKind, *, by: User, case: Case | None = None) -> list[Message]:
    """Send a client a message in their language, by a contact method that they called safe.

    Raises `Refused` if no method is safe, and in restricted cases, because the ledger's pages would show that the
    person was written to.
    """
    case = lock_case(case, by=by) if case else None
    client = _lock_client(client, by)
    if client.cases.filter(is_restricted=True).exists() or client.consultations.filter(is_restricted=True).exists():
        raise Refused(
            pgettext("staff", "The portal does not send messages in restricted cases. Contact the person yourself.")
        )
    contact = decrypt_with_audit(by, "consultations.tell_client", client, "contact")["contact"]
    channel = recognise_channel(contact)
    if channel is None or channel.code not in client.safe_channels or not channel.is_configured:
        raise Refused(pgettext("staff", "The portal has no safe way to contact this person."))
    if case:
        write_event(case, EventKind.TOLD, by=by)
    # The blind index at the start of the key is the only way to find these messages when the client is forgotten.
    idempotency_key = f"{blind_index(client.public_id, _MESSAGE_PURPOSE)} {public_id()}"
    return notify(contact, kind, language=client.language, channel=channel.code, idempotency_key=idempotency_key)


def refuse_unsafe_channel(client: Client | None, method: str) -> None:
    """Raise `Refused` for a contact method that is not safe. An anonymous person has named none, so none is refused."""
    if client and method not in client.safe_channels:
        raise Refused(
            pgettext("staff", "“%(way)s” is not a safe contact method for this person. Do not use it.")
            % {"way": contact_method_label(method)}
        )


def normalise_code(code: str) -> str:
    """Return a client's code in its stored form: upper case, with its dash, whatever was typed."""
    plain = "".join(character for character in fold_width(code).upper() if character.isalnum())
    return f"{plain[:4]}-{plain[4:]}"


def _set_details(client: Client, name: str, contact: str, language: str, safe_channels: list[str]) -> None:
    contact = normalise_contact(contact)
    if not (name or contact):
        raise Refused(pgettext("staff", "Enter a name, email address or phone number."))
    if set(safe_channels) - set(contact_methods()):
        raise Refused(pgettext("staff", "Choose a valid contact method."))
    possible = recognise_channel(contact)
    if any(channel.code in safe_channels and channel != possible for channel in recognisable_channels()):
        raise Refused(
            pgettext(
                "staff",
                "The safe contact methods do not match the contact details. Email needs an email address, and text "
                "messages need a phone number.",
            )
        )
    client.name, client.contact, client.language = name, contact, language
    client.name_index, client.contact_index = blind_index(name, "name"), blind_index(contact, "contact")
    client.safe_channels = [method for method in contact_methods() if method in safe_channels]


def _forget_messages(public_ids: Iterable[str]) -> None:
    """Lock a client's messages, withdraw the unsent ones and anonymise all but those that staff must check."""
    to_client = Q(pk__in=[])
    for key in public_ids:
        for index in blind_indexes(key, _MESSAGE_PURPOSE):
            to_client |= Q(idempotency_key__startswith=f"{index} ")
    messages = Message.objects.filter(to_client)
    list(messages.select_for_update().order_by("pk"))
    messages.filter(state__in=UNSENT).update(state=MessageState.WITHDRAWN)
    messages.filter(state__in=[MessageState.WITHDRAWN, MessageState.SENT]).update(**Message.RETENTION.anonymise)


def _lock_client(client: Client, by: User) -> Client:
    locked = Client.objects.select_for_update().filter(pk=client.pk).first()
    if locked is None or not Client.objects.visible_to(by).filter(pk=client.pk).exists():
        raise Refused(pgettext("staff", "You can no longer see this person's details."))
    return locked
