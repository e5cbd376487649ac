"""The advisers' choice lists: searchable by code, kana, romaji, Japanese and English; complete and unambiguous."""

import pytest

from consultations.models import Consultation, ConsultationChannel, EnquirerRelationship, LanguageSupport, Outcome
from consultations.records import taxonomy
from services.guide.demo import ARTICLES
from services.languages.registry import SPOKEN


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("immigration", "immigration"),
        ("にゅうかん", "immigration"),
        ("ニュウカン", "immigration"),
        ("nyukan", "immigration"),
        ("NYUUKAN", "immigration"),
        ("visa", "immigration"),
        ("biza", "immigration"),
        ("ビザ", "immigration"),
        ("入管手続・在留資格", "immigration"),
        ("gomi", "daily_life"),
        ("ｇｏｍｉ", "daily_life"),
        ("保険", "insurance_pension"),
        ("tax", "tax"),
        ("Taxes", "tax"),
        ("boryoku", "dv_abuse"),
    ],
)
def test_topic_is_found_however_it_is_typed(typed, code):
    assert taxonomy.find(taxonomy.topics(), typed).code == code


@pytest.mark.parametrize("typed", ["", " ", "xyz", "s", "\u200b"])
def test_what_is_no_topic_or_could_be_several_is_not_guessed(typed):
    assert taxonomy.find(taxonomy.topics(), typed) is None


def test_every_topic_has_several_words_of_both_kinds():
    for topic in taxonomy.topics().values():
        assert any(key.isascii() for key in topic.keys), topic.code
        assert any(not key.isascii() for key in topic.keys), topic.code


@pytest.mark.parametrize("among", ["topics", "languages", "countries", "bodies", "questions"])
def test_codes_and_names_stand_once_and_lead_to_themselves(among):
    rows = getattr(taxonomy, among)()
    for code, row in rows.items():
        assert taxonomy.find(rows, code) is row
        assert (row.ja, row.en) != ("", "")
    assert len({row.ja for row in rows.values()}) == len({row.en for row in rows.values()}) == len(rows)


def test_codes_fit_their_columns():
    lengths = {
        "language": taxonomy.languages(),
        "nationality": taxonomy.countries(),
        "mother_tongue": taxonomy.languages(),
        "referred_to": taxonomy.bodies(),
    }
    for column, rows in lengths.items():
        assert max(map(len, rows)) <= Consultation._meta.get_field(column).max_length


def test_desk_knows_every_language_of_the_portal_and_many_more():
    assert set(SPOKEN) <= set(taxonomy.languages())
    assert len(taxonomy.languages()) >= 35
    assert len(taxonomy.countries()) >= 80
    assert {country.group for country in taxonomy.countries().values()} == set(taxonomy.country_groups())


def test_words_are_those_of_the_columns_values():
    for column, values in {
        "channel": ConsultationChannel,
        "enquirer": EnquirerRelationship,
        "language_support": LanguageSupport,
        "outcome": Outcome,
    }.items():
        assert set(taxonomy.search_words_for(column)) == set(values.values)


def test_frequent_questions_name_what_there_is():
    for question in taxonomy.questions().values():
        assert set(question.topics) <= set(taxonomy.topics())
        assert question.outcome in Outcome.values
        assert bool(question.referred_to) == (question.outcome == Outcome.REFERRAL)
        assert question.referred_to in {"", *taxonomy.bodies()}
        assert (ARTICLES / question.article).is_dir()
        assert question.note("ja") != question.note("en")
