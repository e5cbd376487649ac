"""Sealed texts: nobody reads them in the database, nothing moves them, a change of keys loses none."""

import base64
import secrets

import pytest
from django.core import serializers
from django.core.management import call_command

from consultations.models import Client
from services.audit.models import Line
from services.audit.opening import open_sealed
from services.base import sealed
from services.base.sealed import CannotBeOpened, Sealed, blind_index, blind_indexes
from tests.factories import CaseFactory, ClientFactory, ConsultationFactory

PLACE = "consultations.client.name.abc"


def new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def test_text_comes_back_as_it_was_in_any_script():
    text = "सीता गुरुङ\n李 梅 \u200d 👩\u200d👧"
    assert sealed.unseal(sealed.seal(text, place=PLACE), place=PLACE) == text


def test_same_text_is_sealed_differently_each_time():
    assert sealed.seal("a", place=PLACE) != sealed.seal("a", place=PLACE)


@pytest.mark.parametrize("place", [0, 3, 6, 20, -1])
def test_one_changed_byte_does_not_open(place):
    stored = bytearray(sealed.seal("a longer text", place=PLACE))
    stored[place] ^= 1

    with pytest.raises(CannotBeOpened):
        sealed.unseal(bytes(stored), place=PLACE)


def test_text_of_another_row_does_not_open():
    with pytest.raises(CannotBeOpened):
        sealed.unseal(sealed.seal("a", place=PLACE), place="consultations.client.name.abd")


def test_old_keys_read_and_the_first_one_writes(settings):
    old, new = new_key(), new_key()
    settings.RECORD_KEYS = (old,)
    before, index = sealed.seal("a", place=PLACE), blind_index("a", "name")
    settings.RECORD_KEYS = (new, old)

    assert sealed.unseal(before, place=PLACE) == "a"
    assert not sealed.is_under_first_key(before)
    assert sealed.is_under_first_key(sealed.seal("a", place=PLACE))
    assert index in blind_indexes("a", "name")
    settings.RECORD_KEYS = (new,)
    with pytest.raises(CannotBeOpened):
        sealed.unseal(before, place=PLACE)


def test_index_forgives_case_and_width_and_tells_purposes_apart():
    assert blind_index("ＳＩＴＡ  Gurung", "name") == blind_index("sita gurung", "name")
    assert blind_index("sita", "name") != blind_index("sita", "contact")
    assert blind_index("", "name") == ""


def test_row_from_the_database_hands_out_no_words(db):
    client = Client.objects.get(pk=ClientFactory(name="Sita Gurung").pk)

    assert isinstance(client.name, Sealed)
    assert f"{client.name} {client.name!s}" == "[sealed] [sealed]"
    assert b"Sita" not in bytes(Client.objects.values_list("name", flat=True).get())
    assert "Sita" not in serializers.serialize("json", [client])
    assert "Sita" not in repr(vars(client))


def test_opening_leaves_a_line_with_the_field_and_never_the_words(db):
    client = Client.objects.get(pk=ClientFactory(name="Sita Gurung").pk)

    assert open_sealed(None, "consultations.open_client", client, "name") == {"name": "Sita Gurung"}
    line = Line.objects.latest("sequence")
    assert (line.action, line.object_id, line.fields) == ("consultations.open_client", client.public_id, ["name"])


def test_saving_a_row_again_keeps_what_is_sealed(db):
    client = Client.objects.get(pk=ClientFactory(name="Sita Gurung", contact="").pk)
    client.language = "ne"
    client.save()
    client.refresh_from_db()

    assert open_sealed(None, "x", client, "name", "contact") == {"name": "Sita Gurung", "contact": ""}
    assert not client.contact


def test_words_are_refused_where_they_would_be_written_open(db):
    ClientFactory()
    with pytest.raises(TypeError):
        Client.objects.update(name="Sita")


def test_sealed_text_cannot_be_put_into_another_row(db):
    one = Client.objects.get(pk=ClientFactory(name="Sita").pk)
    other = ClientFactory()
    other.name = one.name

    with pytest.raises(CannotBeOpened):
        other.save()


def test_change_of_keys_reaches_everything_and_can_be_stopped(db, settings, monkeypatch):
    old, new = new_key(), new_key()
    settings.RECORD_KEYS = (old,)
    rows = [ClientFactory(name=f"Client {number}", contact="") for number in range(5)]
    settings.RECORD_KEYS = (new, old)
    monkeypatch.setattr(sealed, "AT_ONCE", 2)
    fields = sealed.sealed_models()[Client]
    seal, calls = sealed.seal, iter(range(3))

    def seal_thrice(text, *, place):
        next(calls)
        return seal(text, place=place)

    monkeypatch.setattr(sealed, "seal", seal_thrice)
    with pytest.raises(RuntimeError):  # the third text was the last
        sealed.change_keys(Client, fields)
    monkeypatch.setattr(sealed, "seal", seal)

    assert sealed.change_keys(Client, fields) == 2
    assert sealed.change_keys(Client, fields) == 0
    settings.RECORD_KEYS = (new,)
    for row in rows:
        found = Client.objects.get(name_index=blind_index(row.name, "name"))
        assert open_sealed(None, "x", found, "name", "contact") == {"name": row.name, "contact": ""}


def test_command_changes_keys_of_every_model_and_leaves_a_line(db, settings, capsys):
    settings.RECORD_KEYS = (new_key(),)
    consultation = ConsultationFactory(client=ClientFactory(), case=CaseFactory(), note="A note")
    settings.RECORD_KEYS = (new_key(), *settings.RECORD_KEYS)

    call_command("change_record_keys")

    told = capsys.readouterr().out.splitlines()
    assert "consultations.Client: 2" in told
    assert "consultations.Consultation: 1" in told
    assert Line.objects.latest("sequence").reason == "4 texts"
    settings.RECORD_KEYS = settings.RECORD_KEYS[:1]
    consultation = type(consultation).objects.get()
    assert open_sealed(None, "x", consultation, "note") == {"note": "A note"}
