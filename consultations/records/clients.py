"""The verbs of who chose to be known: meet, change, forget, find an earlier thread, tell.

`tell_client` is the only way in which the portal says anything to a client, and obeys what they called safe. What goes
to them has neutral words: no subject, no sender, no line says what they came about.
"""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.actions.compartments import lock_case, lock_cases_of, write_event
from consultations.models import Case, Client, Consultation, EventKind, Way
from services.accounts.models import User
from services.audit.opening import open_sealed
from services.audit.trail import record
from services.base.public_ids import public_id
from services.base.refusals import Refused
from services.base.sealed import blind_index, blind_indexes
from services.notices.actions.telling import notify
from services.notices.channels import CHANNELS
from services.notices.models import UNSENT, ChannelCode, Message, MessageState

_TOLD = "what a client was told"
CHANNEL_OF = {Way.EMAIL: ChannelCode.EMAIL, Way.SMS: ChannelCode.SMS}


@transaction.atomic
def meet(
    *, by: User, name: str, contact: str, language: str, safe_channels: list[str] = (), case: Case | None = None
) -> Client:
    """Keep who somebody is, because they want it; their code is `client.code`. case: it is theirs from now on.

    Refused without a name and a contact, for a case whose person is known already, and for a way that does not fit.
    """
    if case:
        case = lock_case(case, by=by)
        if case.client:
            raise Refused(pgettext("staff", "The person of this case is known already."))
    client = Client(met_by=by, last_seen_at=timezone.now())
    _fill(client, name, contact, language, safe_channels)
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
    """Put down what somebody tells anew of themselves. Refused to who does not know them."""
    client = _lock(client, by)
    _fill(client, name, contact, language, safe_channels)
    client.save()
    fields = ["name", "contact", "language", "safe_channels"]
    record(by, "consultations.change_client", client, fields=fields, changes=False)
    return client


@transaction.atomic
def forget_client(client: Client, *, by: User) -> None:
    """Forget who somebody is, because they want it: name, contact and code go at once, also in what was merged
    and in what the portal wrote to them.

    What was written down of their visits stays, sealed, for its time, and leads to nobody any more.
    """
    lock_cases_of(client)
    gone = Client.objects.filter(Q(pk=client.pk) | Q(merged_into=client.pk))
    list(gone.select_for_update().order_by("pk"))
    client = _lock(client, by)
    _forget_messages(gone.values_list("public_id", flat=True))
    gone.delete()
    record(by, "consultations.forget_client", client, changes=False)


@transaction.atomic
def find_client(code: str, *, by: User) -> Client | None:
    """Whom a code stands for, if the user knows them; a code of a record that was merged leads to the other."""
    record(by, "consultations.find_client", changes=False)
    known = Client.objects.visible_to(by)
    named = named_by(code)
    return known.filter(pk=named.pk).first() if named else None


def named_by(code: str) -> Client | None:
    """The record that a code leads to now; whether somebody may know of it is for the caller to ask."""
    named = Client.objects.select_related("merged_into").filter(code=as_written(code)).first()
    return named.as_merged if named else None


@transaction.atomic
def find_earlier(*, by: User, name: str = "", contact: str = "", code: str = "") -> list[str]:
    """Who keeps threads of somebody of this name, contact or code: their names, and nothing of the person.

    Restricted threads are not looked at, whoever asks: a name that only they know gives what an unknown name gives.
    It is a search, so it leaves a line, which says by what was searched and never for what.
    """
    typed = {"name": name, "contact": contact, "code": code}
    record(by, "consultations.find_earlier", fields=[key for key, it in typed.items() if it], changes=False)
    same = Q(pk__in=[])
    if name:
        same |= Q(name_index__in=blind_indexes(name, "name"))
    if contact:
        same |= Q(contact_index__in=blind_indexes(contact, "contact"))
    if code:
        same |= Q(code=as_written(code))
    found = Client.objects.filter(same)
    clients = Client.objects.filter(Q(pk__in=found) | Q(pk__in=found.values("merged_into"))).values("pk")
    unrestricted = Case.objects.filter(is_restricted=False)
    cases = unrestricted.filter(Q(client__in=clients) | Q(consultations__client__in=clients))
    logged = Consultation.objects.filter(client__in=clients, is_restricted=False, case__isnull=True)
    keepers = {*cases.values_list(Coalesce("merged_into__assigned", "assigned"), flat=True)}
    keepers |= {assigned or adviser for adviser, assigned in logged.values_list("adviser", "assigned")}
    return [str(user) for user in User.objects.filter(pk__in=keepers).order_by("name", "pk")]


@transaction.atomic
def tell_client(client: Client, kind: str, *, by: User, case: Case | None = None) -> list[Message]:
    """Send somebody a text (a folder below templates/notices/) in their language, by a way that they called safe.

    Refused where there is none, and for restricted cases: the ledger's pages would show that somebody was written to.
    """
    case = lock_case(case, by=by) if case else None
    client = _lock(client, by)
    if client.cases.filter(is_restricted=True).exists() or client.consultations.filter(is_restricted=True).exists():
        raise Refused(
            pgettext("staff", "The portal writes to nobody in a restricted case. Please reach the person yourself.")
        )
    contact = open_sealed(by, "consultations.tell_client", client, "contact")["contact"]
    way = _way_of(contact)
    if not contact or way not in client.safe_channels or not CHANNELS[CHANNEL_OF[way]].is_offered:
        raise Refused(pgettext("staff", "There is no safe way for the portal to reach this person."))
    if case:
        write_event(case, EventKind.TOLD, by=by)
    # By its beginning alone, under our key, is it found again when they are forgotten.
    occasion = f"{blind_index(client.public_id, _TOLD)} {public_id()}"
    return notify(contact, kind, language=client.language, channel=CHANNEL_OF[way], occasion=occasion)


def refuse_unsafe(client: Client | None, way: str) -> None:
    """Refuse a way by which somebody must not be reached. Who is not known has left none."""
    if client and way not in client.safe_channels:
        raise Refused(
            pgettext("staff", "“%(way)s” is not safe for this person. It must not be used.") % {"way": Way(way).label}
        )


def as_written(code: str) -> str:
    """However somebody says it: without the dash, in small letters."""
    plain = "".join(mark for mark in code.upper() if mark.isalnum())
    return f"{plain[:4]}-{plain[4:]}"


def _way_of(contact: str) -> Way:
    return Way.EMAIL if "@" in contact else Way.SMS


def _fill(client: Client, name: str, contact: str, language: str, safe_channels: list[str]) -> None:
    if not (name or contact):
        raise Refused(pgettext("staff", "Please write a name, or a way to reach the person."))
    if set(safe_channels) - set(Way.values):
        raise Refused(pgettext("staff", "This is no way to reach somebody."))
    written = _way_of(contact) if contact else None
    if any(way in safe_channels and way != written for way in CHANNEL_OF):
        raise Refused(pgettext("staff", "What is safe does not fit: e-mail needs an address, SMS a telephone number."))
    client.name, client.contact, client.language = name, contact, language
    client.name_index, client.contact_index = blind_index(name, "name"), blind_index(contact, "contact")
    client.safe_channels = [way.value for way in Way if way in safe_channels]


def _forget_messages(public_ids: Iterable[str]) -> None:
    """Keep back what has not gone out to somebody, and forget where the rest went, but for what staff must look at."""
    to_them = Q(pk__in=[])
    for key in public_ids:
        for index in blind_indexes(key, _TOLD):
            to_them |= Q(occasion__startswith=f"{index} ")
    messages = Message.objects.filter(to_them)
    list(messages.select_for_update().order_by("pk"))
    messages.filter(state__in=UNSENT).update(state=MessageState.WITHDRAWN)
    messages.filter(state__in=[MessageState.WITHDRAWN, MessageState.SENT]).update(**Message.KEEPING.makes)


def _lock(client: Client, by: User) -> Client:
    locked = Client.objects.select_for_update().filter(pk=client.pk).first()
    if locked is None or not Client.objects.visible_to(by).filter(pk=client.pk).exists():
        raise Refused(pgettext("staff", "You do not know this person any more."))
    return locked
