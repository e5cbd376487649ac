"""Encrypted texts: unreadable in the database, useless in another place, and none lost in a change of keys."""

import base64
import pickle
import secrets
import threading

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from consultations.models import Client, Consultation
from services.audit.decryption import decrypt_with_audit
from services.audit.models import AuditEntry
from services.base import encryption
from services.base.encryption import DecryptionError, EncryptedText, blind_index, blind_indexes
from tests.factories.consultations import CaseFactory, ClientFactory, ConsultationFactory
from tests.support.races import is_waiting_for_a_lock
from tests.support.servers import wait_until

PLACE = "consultations.client.name.abc"


def new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def test_text_comes_back_as_it_was_in_any_script():
    text = "सीता गुरुङ\n李 梅 \u200d 👩\u200d👧"
    assert encryption.decrypt(encryption.encrypt(text, place=PLACE), place=PLACE) == text


def test_same_text_is_sealed_differently_each_time():
    assert encryption.encrypt("a", place=PLACE) != encryption.encrypt("a", place=PLACE)


@pytest.mark.parametrize("place", [0, 3, 6, 20, -1])
def test_one_changed_byte_does_not_open(place):
    stored = bytearray(encryption.encrypt("a longer text", place=PLACE))
    stored[place] ^= 1

    with pytest.raises(DecryptionError):
        encryption.decrypt(bytes(stored), place=PLACE)


def test_text_of_another_row_does_not_open():
    with pytest.raises(DecryptionError):
        encryption.decrypt(encryption.encrypt("a", place=PLACE), place="consultations.client.name.abd")


def test_old_keys_read_and_the_first_one_writes(settings):
    old, new = new_key(), new_key()
    settings.RECORD_KEYS = (old,)
    before, index = encryption.encrypt("a", place=PLACE), blind_index("a", "name")
    settings.RECORD_KEYS = (new, old)

    assert encryption.decrypt(before, place=PLACE) == "a"
    assert not encryption.uses_current_key(before)
    assert encryption.uses_current_key(encryption.encrypt("a", place=PLACE))
    assert index in blind_indexes("a", "name")
    settings.RECORD_KEYS = (new,)
    with pytest.raises(DecryptionError):
        encryption.decrypt(before, place=PLACE)


def test_index_forgives_case_and_width_and_tells_purposes_apart():
    assert blind_index("ＳＩＴＡ  Gurung", "name") == blind_index("sita gurung", "name")
    assert blind_index("sita", "name") != blind_index("sita", "contact")
    assert blind_index("", "name") == ""


def test_row_from_the_database_hands_out_no_words(db):
    client = Client.objects.get(pk=ClientFactory(name="Sita Gurung").pk)

    assert isinstance(client.name, EncryptedText)
    assert f"{client.name} {client.name!s}" == "[encrypted] [encrypted]"
    assert b"Sita" not in bytes(Client.objects.values_list("name", flat=True).get())
    assert "Sita" not in serializers.serialize("json", [client])
    assert "Sita" not in repr(vars(client))


def test_opening_leaves_a_line_with_the_field_and_never_the_words(db):
    client = Client.objects.get(pk=ClientFactory(name="Sita Gurung").pk)

    assert decrypt_with_audit(None, "consultations.open_client", client, "name") == {"name": "Sita Gurung"}
    line = AuditEntry.objects.latest("sequence")
    assert (line.action, line.object_id, line.fields) == ("consultations.open_client", client.public_id, ["name"])


def test_saving_a_row_again_keeps_what_is_sealed(db):
    client = Client.objects.get(pk=ClientFactory(name="Sita Gurung", contact="").pk)
    client.language = "ne"
    client.save()
    client.refresh_from_db()

    assert decrypt_with_audit(None, "x", client, "name", "contact") == {"name": "Sita Gurung", "contact": ""}
    assert not client.contact


def test_words_are_refused_where_they_would_be_written_open(db):
    ClientFactory()
    with pytest.raises(TypeError):
        Client.objects.update(name="Sita")


def test_sealed_text_cannot_be_put_into_another_row(db):
    one = Client.objects.get(pk=ClientFactory(name="Sita").pk)
    other = ClientFactory()
    other.name = one.name

    with pytest.raises(DecryptionError):
        other.save()


@pytest.mark.parametrize("words", [b"Sita Gurung", memoryview(b"Sita")])
def test_bytes_that_nobody_sealed_are_refused(db, words):
    client = ClientFactory()
    client.name = words
    with pytest.raises(TypeError):
        client.save()
    with pytest.raises(TypeError):
        Client.objects.update(name=words)


def test_row_that_was_just_saved_hands_out_no_words_either(db):
    client = ClientFactory(name="Sita Gurung")

    assert isinstance(client.name, EncryptedText)
    assert b"Sita" not in pickle.dumps(client)
    assert decrypt_with_audit(None, "x", client, "name") == {"name": "Sita Gurung"}
    client.name = "Sita Rai"
    client.save()
    assert f"{client.name}" == "[encrypted]"


def test_validation_leaves_words_as_they_are(db):
    client = ClientFactory.build(name="Sita", code="AAAA-AAAA", last_seen_at=timezone.now())
    client.full_clean()
    client.save()
    assert decrypt_with_audit(None, "x", client, "name") == {"name": "Sita"}


def test_row_that_was_read_before_a_change_of_keys_does_not_undo_it(db, settings):
    settings.RECORD_KEYS = (new_key(),)
    ClientFactory(name="Sita")
    settings.RECORD_KEYS = (new_key(), *settings.RECORD_KEYS)
    stale = Client.objects.get()
    encryption.rotate_keys(Client, encryption.encrypted_models()[Client])

    stale.language = "vi"
    stale.save()

    settings.RECORD_KEYS = settings.RECORD_KEYS[:1]
    found = Client.objects.get(name_index=blind_index("Sita", "name"))
    assert (found.language, decrypt_with_audit(None, "x", found, "name")) == ("vi", {"name": "Sita"})


def test_row_whose_key_is_lost_can_be_saved_and_written_out(db, settings):
    ClientFactory(name="Sita")
    before = bytes(Client.objects.values_list("name", flat=True).get())
    settings.RECORD_KEYS = (new_key(),)
    client = Client.objects.get()
    client.language = "vi"
    client.save()

    assert "name" in serializers.serialize("json", Client.objects.all())
    assert bytes(Client.objects.values_list("name", flat=True).get()) == before
    with pytest.raises(DecryptionError):
        encryption.rotate_keys(Client, encryption.encrypted_models()[Client])


def notes_after_a_change_during_an_edit(settings, before_change=lambda: None) -> list[str]:
    """Change the keys while an adviser holds a row with an unsaved note; return the notes stored afterwards."""
    settings.RECORD_KEYS = (new_key(),)
    for number in range(3):
        ConsultationFactory(note=f"Note {number}")
    settings.RECORD_KEYS = (new_key(), *settings.RECORD_KEYS)
    held, rows, note = threading.Event(), Consultation.objects.order_by("pk"), Consultation._meta.get_field("note")

    def change():
        held.wait(10)
        try:
            encryption.rotate_keys(Consultation, [note])
        finally:
            connection.close()

    thread = threading.Thread(target=change)
    thread.start()
    with transaction.atomic():
        row = rows.select_for_update().first()
        before_change()
        held.set()
        if connection.vendor == "postgresql":
            wait_until(lambda: not any(map(note.has_old_key, rows[1:])) or is_waiting_for_a_lock())
        row.note = "What the adviser has just written"
        row.save()
    thread.join()
    settings.RECORD_KEYS = settings.RECORD_KEYS[:1]
    return [decrypt_with_audit(None, "x", it, "note")["note"] for it in rows]


@pytest.mark.django_db(transaction=True)
def test_change_of_keys_keeps_what_is_written_meanwhile(settings):
    assert notes_after_a_change_during_an_edit(settings) == ["What the adviser has just written", "Note 1", "Note 2"]


@pytest.mark.django_db(transaction=True)
def test_change_of_keys_without_its_lock_would_lose_what_is_written_meanwhile(settings, monkeypatch):
    if connection.vendor == "sqlite":  # has no row locks: only one connection writes at a time
        return

    def lockless():
        monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **options: rows)

    assert notes_after_a_change_during_an_edit(settings, lockless) == ["Note 0", "Note 1", "Note 2"]


def test_change_of_keys_reaches_everything_and_can_be_stopped(db, settings, monkeypatch):
    old, new = new_key(), new_key()
    settings.RECORD_KEYS = (old,)
    names = [f"Client {number}" for number in range(5)]
    for name in names:
        ClientFactory(name=name, contact="")
    settings.RECORD_KEYS = (new, old)
    monkeypatch.setattr(encryption, "BATCH_SIZE", 2)
    fields = encryption.encrypted_models()[Client]
    seal, calls = encryption.encrypt, iter(range(3))

    def seal_thrice(text, *, place):
        next(calls)
        return seal(text, place=place)

    monkeypatch.setattr(encryption, "encrypt", seal_thrice)
    with pytest.raises(StopIteration):  # only three texts were encrypted
        encryption.rotate_keys(Client, fields)
    monkeypatch.setattr(encryption, "encrypt", seal)

    assert encryption.rotate_keys(Client, fields) == 3  # the interrupted batch and the last one
    assert encryption.rotate_keys(Client, fields) == 0
    settings.RECORD_KEYS = (new,)
    for name in names:
        found = Client.objects.get(name_index=blind_index(name, "name"))
        assert decrypt_with_audit(None, "x", found, "name", "contact") == {"name": name, "contact": ""}


def test_command_changes_keys_of_every_model_and_leaves_a_line(db, settings, capsys):
    settings.RECORD_KEYS = (new_key(),)
    consultation = ConsultationFactory(client=ClientFactory(), case=CaseFactory(), note="A note")
    settings.RECORD_KEYS = (new_key(), *settings.RECORD_KEYS)

    call_command("rotate_record_keys")

    told = capsys.readouterr().out.splitlines()
    assert "consultations.Client: 2" in told
    assert "consultations.Consultation: 1" in told
    assert AuditEntry.objects.latest("sequence").reason == "4 texts"
    settings.RECORD_KEYS = settings.RECORD_KEYS[:1]
    consultation = type(consultation).objects.get()
    assert decrypt_with_audit(None, "x", consultation, "note") == {"note": "A note"}
