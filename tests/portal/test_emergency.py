"""The emergency page in each city: every number with its text, and first steps for the dangers there."""

import dataclasses
import re

import pytest
from django.utils import translation
from django.utils.translation import pgettext

from portal.city import PRESETS, EmergencyNumber, read_city
from portal.pages.emergency import check_preset_has_texts

CITIES = sorted(file.stem for file in PRESETS.glob("*.toml"))


@pytest.mark.django_db
@pytest.mark.parametrize("code", CITIES)
def test_emergency_page_shows_every_number_of_the_city(client, settings, code):
    settings.CITY = read_city(code)
    response = client.get("/en/emergency/")
    shown = [entry["number"] for section in response.context["sections"] for entry in section["numbers"]]
    assert sorted(shown, key=str) == sorted(settings.CITY.emergency_numbers, key=str)
    assert check_preset_has_texts(None) == []


@pytest.mark.django_db
@pytest.mark.parametrize(("code", "shakes"), [("ota", True), ("guro", True), ("copenhagen", False)])
def test_emergency_page_tells_of_earthquakes_where_there_are_some(client, settings, code, shakes):
    settings.CITY = read_city(code)
    page = client.get("/en/emergency/").content.decode()
    assert ("During an earthquake" in page) is shakes
    assert "When you call for help" in page


def test_number_or_danger_without_words_fails_the_check(settings):
    settings.CITY = dataclasses.replace(
        read_city("ota"),
        emergency_numbers=(EmergencyNumber("mountain_rescue", "1", say={"rescue": "Hjælp"}),),
        dangers=("avalanche",),
    )
    errors = check_preset_has_texts(None)
    assert [error.id for error in errors] == ["portal.E003"] * 3
    assert errors[0].msg.startswith(
        "ota.toml: no words for 'mountain_rescue'; portal/pages/emergency.py has ['child_abuse'"
    )
    assert errors[1].msg == "ota.toml: no words for 'avalanche'; portal/pages/emergency.py has ['earthquake']."
    assert errors[2].msg.startswith("ota.toml: no words for 'rescue'; portal/pages/emergency.py has ['accident'")


@pytest.mark.django_db
def test_words_to_say_stand_beside_what_they_mean(client):
    page = client.get("/ne/emergency/").content.decode()
    with translation.override("ne"):
        fire = pgettext("call for help", "There is a fire")
    assert re.search(rf'{fire}: <bdi lang="ja">[^:]*kaji desu', page)
    assert "kaji desu" not in client.get("/ja/emergency/").content.decode()
