"""What the log form does in one submission, and sending an article without storing the email address."""

import datetime
import threading
from contextlib import nullcontext
from dataclasses import replace

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from consultations.cases.actions import restrict
from consultations.log import submission as log_entry
from consultations.log.articles import ArticleDelivery, articles_sent, send_article
from consultations.log.drafts import save_draft
from consultations.log.submission import NamedPerson, log_once
from consultations.log.viewing import break_glass_by_code, client_by_code, look_up_earlier_contact
from consultations.models import Client, Consultation, ConsultationDraft
from services.audit.decryption import decrypt_with_audit
from services.audit.models import AuditEntry
from services.base.encryption import blind_index
from services.base.public_ids import public_id
from services.base.refusals import Refused
from services.languages.registry import SPOKEN
from services.messaging.models import EMAIL, Message
from services.messaging.rendering import render_message
from tests.factories import ArticleFactory, CaseFactory, ClientFactory, ConsultationFactory, UserFactory
from tests.factories.log_entries import new_log_entry

pytestmark = pytest.mark.django_db
ADDRESS = "sita@example.org"


@pytest.fixture
def adviser():
    return UserFactory(roles=["adviser"])


def a_sending(**words) -> ArticleDelivery:
    usual = {"language": "ne", "channel": EMAIL, "address": ADDRESS}
    return ArticleDelivery(**{"article": ArticleFactory(), **usual, **words})


# --- Log form -------------------------------------------------------------------------------------


def test_person_who_chose_it_becomes_known(adviser):
    person = NamedPerson("Sita Gurung", ADDRESS, ("email",))
    consultation = log_once(new_log_entry(), by=adviser, key=public_id(), person=person)

    client = Client.objects.get()
    assert (consultation.client, client.language, client.safe_channels) == (client, "ne", ["email"])
    assert (client.name_index, client.contact_index) == (
        blind_index("Sita Gurung", "name"),
        blind_index(ADDRESS, "contact"),
    )
    found = Client.objects.get()
    assert decrypt_with_audit(adviser, "x", found, "name", "contact") == {"name": "Sita Gurung", "contact": ADDRESS}


def test_form_sent_twice_logs_once_and_makes_one_person(adviser):
    key, person = public_id(), NamedPerson("Sita")
    entry = new_log_entry()
    first = log_once(entry, by=adviser, key=key, person=person)
    assert log_once(replace(entry, minutes=entry.minutes + 1), by=adviser, key=key, person=person) == first
    assert (Consultation.objects.count(), Client.objects.count()) == (1, 1)


def test_key_of_somebody_elses_consultation_logs_as_any_other_and_tells_nothing(adviser):
    other = ConsultationFactory(is_restricted=True)
    save_draft(other.public_id, {"note": ["Is it there?"]}, by=adviser)
    assert ConsultationDraft.objects.visible_to(adviser).get().public_id == other.public_id

    logged = log_once(new_log_entry(), by=adviser, key=other.public_id, person=NamedPerson("Sita"))

    assert logged.public_id != other.public_id
    assert (Consultation.objects.count(), Client.objects.count(), ConsultationDraft.objects.count()) == (2, 1, 0)
    assert Consultation.objects.visible_to(adviser).get() == logged


def test_somebody_who_comes_back_was_seen_today(adviser):
    client = ClientFactory(last_seen_at=timezone.now() - datetime.timedelta(days=900))
    consultation = log_once(new_log_entry(), by=adviser, key=public_id(), client=client)
    assert Client.objects.get().last_seen_at == consultation.began_at


def test_consultation_of_a_case_is_with_its_person(adviser):
    case = CaseFactory(assigned=adviser, client=ClientFactory())
    assert log_once(new_log_entry(), by=adviser, key=public_id(), case=case).client == case.client


def test_refusal_leaves_nothing_at_all(adviser):
    ClientFactory(contact=ADDRESS)
    key = public_id()
    ConsultationDraft.objects.create(public_id=key, adviser=adviser, typed="{}")
    with pytest.raises(Refused):
        log_once(new_log_entry(), by=adviser, key=key, person=NamedPerson("Ana"), sending=a_sending())
    assert (Consultation.objects.count(), Client.objects.count(), ConsultationDraft.objects.count()) == (0, 1, 1)
    assert Message.objects.filter(kind="consultations/article").count() == 0
    assert not AuditEntry.objects.filter(action__startswith="consultations.").exists()


def sent_by_ten(send) -> tuple[list[int], list[Exception]]:
    """Send a form from ten threads at once; return the keys of the logged consultations and the exceptions."""
    logged, faults, gate = [], [], threading.Barrier(10)

    def one():
        try:
            gate.wait()
            logged.append(send().pk)
        except Exception as fault:  # noqa: BLE001  the test checks every exception
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return logged, faults


@pytest.mark.django_db(transaction=True)
def test_form_sent_at_the_same_moment_by_ten_logs_once(adviser):
    key, entry = public_id(), new_log_entry()
    logged, faults = sent_by_ten(lambda: log_once(entry, by=adviser, key=key))
    assert faults == []
    assert (len(logged), len(set(logged)), Consultation.objects.count()) == (10, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_form_sent_at_the_same_moment_breaks_where_nobody_looks_again(adviser):
    """Negative control: without the second check, the same form breaks a database constraint."""
    key, entry = public_id(), new_log_entry()
    _logged, faults = sent_by_ten(lambda: log_entry._log(entry, adviser, key, None, None, None, None))
    assert {type(fault) for fault in faults} == {IntegrityError}
    assert Consultation.objects.count() == 1


# --- Articles -------------------------------------------------------------------------------------


def test_article_goes_to_the_address_and_nothing_leads_back(adviser):
    consultation = log_once(new_log_entry(), by=adviser, key=public_id(), sending=a_sending())

    message = Message.objects.get(kind="consultations/article")
    assert (message.address, message.language, message.channel) == (ADDRESS, "ne", "email")
    assert consultation.public_id not in f"{message.idempotency_key}{message.context}{message.about_type}"
    assert message.about_type == "guide.article"
    assert [article.pk for article in articles_sent(consultation)] == [message.about_id]
    assert Client.objects.count() == 0
    told = str(list(AuditEntry.objects.values_list("fields", "reason", "object_id")))
    assert ADDRESS not in told
    assert AuditEntry.objects.get(action="consultations.send_article").object_id == consultation.public_id


def test_article_sent_twice_is_one_message_and_to_another_address_another(adviser):
    consultation, sending = ConsultationFactory(adviser=adviser), a_sending()
    for address in (ADDRESS, ADDRESS, "other@example.org"):
        send_article(consultation, ArticleDelivery(sending.article, "ne", EMAIL, address), by=adviser)
    assert sorted(Message.objects.values_list("address", flat=True)) == ["other@example.org", ADDRESS]


def test_article_is_sent_by_who_may_read_alone(adviser):
    with pytest.raises(Refused):
        send_article(ConsultationFactory(), a_sending(), by=adviser)


@pytest.mark.parametrize(("safe", "is_sent"), [((), False), (("call",), False), (("sms",), False), (("email",), True)])
def test_channel_that_is_not_safe_is_not_used(adviser, safe, is_sent):
    client = ClientFactory(contact=ADDRESS, safe_channels=list(safe))
    # With a consultation of this person, and with one that only shares the email address.
    for consultation in (ConsultationFactory(adviser=adviser, client=client), ConsultationFactory(adviser=adviser)):
        with nullcontext() if is_sent else pytest.raises(Refused, match="Nothing can be sent to these contact details"):
            send_article(consultation, a_sending(), by=adviser)
    assert Message.objects.filter(kind="consultations/article").count() == 2 * is_sent


def test_person_whose_mail_is_not_safe_gets_none_at_another_address_either(adviser):
    consultation = ConsultationFactory(adviser=adviser, client=ClientFactory(safe_channels=["call"]))
    with pytest.raises(Refused):
        send_article(consultation, a_sending(address="friend@example.org"), by=adviser)


def test_restricted_consultation_sends_nothing(adviser):
    consultation = ConsultationFactory(adviser=adviser, is_restricted=True)
    ClientFactory(contact=ADDRESS, safe_channels=["email"])
    with pytest.raises(Refused):
        send_article(consultation, a_sending(), by=adviser)
    assert Message.objects.count() == 0


@pytest.mark.parametrize("language", SPOKEN)
def test_letter_shows_the_article_in_the_readers_language_or_says_so(language):
    title = {f"title_{it.column}": f"Title {it.code}" for it in SPOKEN.values() if it.code not in {"ne", "da"}}
    letter = render_message("consultations/article", language, about=ArticleFactory(**title))

    has_it = language not in {"ne", "da"}
    written_in = language if has_it else "en"
    assert (letter.subject, letter.written_in) == (f"Title {written_in}", written_in)
    assert f"/{language}/guide/article/" in letter.text
    assert f'<h2 style="font-size:24px;line-height:1.6" lang="{written_in}"' in letter.html


# --- A person's code ------------------------------------------------------------------------------


def test_code_is_found_however_it_is_said(adviser):
    client = ClientFactory(met_by=adviser)
    plain = client.code.replace("-", "")
    for said in (client.code, plain, plain.lower(), f" {plain[:4]} {plain[4:]} "):
        assert client_by_code(said, by=adviser) == client
    assert client_by_code("2222-2222", by=adviser) is None
    assert client_by_code(client.code, by=UserFactory(roles=["adviser"])) is None


def test_code_of_a_merged_record_leads_to_the_other(adviser):
    client = ClientFactory(met_by=adviser)
    assert client_by_code(ClientFactory(merged_into=client).code, by=adviser) == client


def test_code_leads_to_ones_own_and_to_who_keeps_the_rest(adviser):
    client, other = ClientFactory(), UserFactory(roles=["adviser"], name="Maricel")
    own = ConsultationFactory(adviser=adviser, client=client)
    ConsultationFactory(adviser=other, client=client)

    thread = look_up_earlier_contact(client.code, by=adviser)

    assert (thread.readable, thread.adviser) == ([own], other)
    assert AuditEntry.objects.get(action="consultations.find_code").object_id == client.public_id


def test_restricted_person_is_as_unknown_as_nobody(adviser):
    client = ClientFactory()
    case = CaseFactory(client=client, is_restricted=True)
    hidden = ConsultationFactory(client=client, adviser=case.assigned, case=case, is_restricted=True)
    new = ClientFactory()
    CaseFactory(client=new, is_restricted=True)

    for code in (client.code, new.code):
        assert client_by_code(code, by=adviser) is None
        assert look_up_earlier_contact(code, by=adviser) is None
        with pytest.raises(Consultation.DoesNotExist):
            break_glass_by_code(code, by=adviser, reason="The person stands at the counter")
    assert look_up_earlier_contact(client.code, by=case.assigned).readable == [hidden]
    assert {
        line.object_id for line in AuditEntry.objects.filter(action="consultations.find_code", actor=adviser.public_id)
    } == {""}


def test_person_met_for_what_is_restricted_now_is_as_unknown_as_nobody(adviser):
    met = ClientFactory(met_by=adviser)
    CaseFactory(client=met, is_restricted=True)
    assert client_by_code(met.code, by=adviser) is None
    assert look_up_earlier_contact(met.code, by=adviser) is None


def test_person_who_was_restricted_since_the_form_looked_is_as_unknown_as_nobody(adviser):
    met, other = ClientFactory(), UserFactory(roles=["adviser"])
    case = CaseFactory(assigned=other, client=met)
    ConsultationFactory(adviser=other, client=met, case=case)
    found = client_by_code(met.code, by=adviser)
    restrict(case, by=other)
    for by, told in ((adviser, "No person was found with this code."), (other, "restricted case")):
        with pytest.raises(Refused, match=told):
            log_once(new_log_entry(), by=by, key=public_id(), client=found)


def test_what_is_restricted_is_not_among_what_others_keep(adviser):
    client, other = ClientFactory(), UserFactory(roles=["adviser"])
    open_one = ConsultationFactory(client=client, adviser=other, began_at=timezone.now() - datetime.timedelta(days=9))
    ConsultationFactory(client=client, is_restricted=True)

    assert look_up_earlier_contact(client.code, by=adviser).adviser == other
    assert break_glass_by_code(client.code, by=adviser, reason="The person stands at the counter") == (open_one, None)
    assert Consultation.objects.readable_by(adviser).get() == open_one
    with pytest.raises(Refused):  # their record belongs to the restricted consultation
        log_entry.log_once(new_log_entry(), by=adviser, key=public_id(), client=client)
