"""The demo city's log: 731 consultations in the last full fiscal year, as in the model city, and more until today.

All people and notes are invented. The shares of visits and phone calls follow the national survey of such desks for
fiscal 2023, and so does the order of topics. The same date always gives the same log.
"""

import datetime
import random
from collections.abc import Iterator

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from consultations.records import taxonomy
from consultations.records.models import (
    Case,
    CaseMember,
    Client,
    Consultation,
    ConsultationChannel,
    ConsultationTopic,
    EnquirerRelationship,
    LanguageSupport,
    Outcome,
    ReadGrant,
)
from services.accounts.models import User
from services.audit.trail import record
from services.base.encryption import blind_index
from services.schedules.holidays import is_closed_every_year

FIRST_YEAR_COUNT = 731
SEED = 2011
CLOSED_ON = 5  # Saturday
RESTRICTED = 6  # at least five, so that the year's figures may include them

# Each adviser's share of the log, their languages, and the language of their notes.
ADVISERS = (
    # local part of the email address, share, languages with shares, language of notes
    ("adviser", 22, (("fil", 60), ("en", 30), ("es", 5), ("ja-simple", 5)), "en"),
    ("adviser2", 14, (("en", 85), ("fr", 8), ("ja-simple", 7)), "en"),
    ("adviser3", 22, (("zh-hans", 88), ("zh-hant", 8), ("ja-simple", 4)), "ja"),
    ("adviser4", 13, (("ne", 75), ("en", 12), ("hi", 8), ("bn", 5)), "en"),
    ("adviser5", 9, (("vi", 90), ("ja-simple", 10)), "ja"),
    ("adviser6", 7, (("ko", 95), ("ja-simple", 5)), "ja"),
    ("adviser7", 3, (("ar", 70), ("en", 20), ("ur", 10)), "en"),
    ("adviser8", 10, (("ja-simple", 45), ("ja", 30), ("pt", 10), ("th", 8), ("my", 7)), "ja"),
)
CHANNELS = {
    ConsultationChannel.VISIT: 625,
    ConsultationChannel.PHONE: 286,
    ConsultationChannel.EMAIL: 45,
    ConsultationChannel.SNS: 18,
    ConsultationChannel.VIDEO: 13,
    ConsultationChannel.OUTREACH: 8,
    ConsultationChannel.LETTER_FAX: 2,
    ConsultationChannel.OTHER: 3,
}
ENQUIRERS = {
    EnquirerRelationship.SELF: 78,
    EnquirerRelationship.FAMILY: 10,
    EnquirerRelationship.FRIEND: 4,
    EnquirerRelationship.EMPLOYER: 3,
    EnquirerRelationship.SCHOOL: 2,
    EnquirerRelationship.OFFICE: 2,
    EnquirerRelationship.SUPPORTER: 1,
}
OUTCOMES = {
    Outcome.INFO: 66,
    Outcome.REFERRAL: 12,
    Outcome.LISTEN: 6,
    Outcome.ACCOMPANY: 5,
    Outcome.EXPERT: 4,
    Outcome.TRANSLATION: 3,
    Outcome.COORDINATION: 2,
    Outcome.ONGOING: 2,
}
# Topic: share, referred to, note (Japanese and English).
TOPICS = {
    "immigration": (
        19,
        "isa",
        ("在留期間の更新に必要な書類を説明した。", "Asked which papers are needed to extend the stay."),
    ),
    "municipal": (
        14,
        "city_dept",
        ("転入届と住民票の取り方を説明した。", "Explained how to report a move and get a certificate."),
    ),
    "tax": (8, "tax_office", ("住民税の通知を一緒に読んだ。", "Read the notice of residents' tax together.")),
    "insurance_pension": (
        10,
        "pension_office",
        ("国民健康保険に入る手続きを案内した。", "Explained how to join health insurance."),
    ),
    "language_help": (9, "city_dept", ("学校からの手紙を翻訳した。", "Translated a letter from the school.")),
    "medical": (7, "health", ("言葉の通じる病院を一緒に探した。", "Looked for a clinic where the language is spoken.")),
    "employment": (
        7,
        "labour_office",
        ("残業代が払われないという相談。", "Overtime is not paid; explained what to collect as proof."),
    ),
    "education": (5, "school", ("小学校の入学手続きを説明した。", "Explained how a child starts elementary school.")),
    "housing": (5, "pref_desk", ("アパートの契約の言葉を説明した。", "Explained the words of a lease.")),
    "japanese": (5, "japanese_class", ("夜の日本語教室を紹介した。", "Looked for a Japanese class in the evening.")),
    "childcare": (4, "health", ("母子健康手帳と健診の案内をした。", "Explained the mother-and-child handbook.")),
    "daily_life": (
        6,
        "city_dept",
        ("ごみの分け方と出す日を説明した。", "Explained how to sort rubbish and when it is collected."),
    ),
    "job_seeking": (3, "hello_work", ("仕事の探し方を案内した。", "Showed how to look for a job.")),
    "family": (3, "consulate", ("結婚の届けに必要な書類を説明した。", "Asked which papers a marriage needs.")),
    "welfare": (2, "welfare_council", ("生活費が足りないという相談。", "Money does not last; explained whom to ask.")),
    "legal": (2, "houterasu", ("自転車の事故のあとの相談。", "After an accident with a bicycle.")),
    "consumer": (2, "consumer_centre", ("電話の契約をやめたいという相談。", "Wants to end a telephone contract.")),
    "transport": (
        2,
        "police",
        ("外国の免許の切り替えを説明した。", "Explained how to change a foreign driving licence."),
    ),
    "disaster": (1, "city_dept", ("避難所の場所を地図で見せた。", "Showed on the map where the shelters are.")),
    "community": (1, "npo", ("料理の会を紹介した。", "Told of the cooking evening.")),
    "mental_health": (1, "health", ("話し相手がいないという。ゆっくり聞いた。", "Is lonely; listened for a while.")),
    "rights": (1, "npo", ("部屋を借りられなかったという相談。", "Was refused a flat as a foreigner.")),
}
SECOND_TOPICS = {
    "tax": "language_help",
    "insurance_pension": "municipal",
    "immigration": "employment",
    "childcare": "medical",
}
NATIONALITIES = {
    "fil": ("PH",),
    "en": ("IN", "US", "GB", "NG", "PH", "AU"),
    "es": ("PE", "CO", "MX"),
    "fr": ("FR", "CM", "SN"),
    "zh-hans": ("CN",),
    "zh-hant": ("TW", "HK"),
    "ne": ("NP",),
    "hi": ("IN",),
    "bn": ("BD",),
    "vi": ("VN",),
    "ko": ("KR",),
    "ar": ("EG", "SY", "MA"),
    "ur": ("PK",),
    "pt": ("BR",),
    "th": ("TH",),
    "my": ("MM",),
    "ja-simple": ("CN", "VN", "NP", "PH", "BR", "ID"),
    "ja": ("CN", "KR", "BR"),
}
MOTHER_TONGUES = {"ja-simple": ("zh-hans", "vi", "ne", "fil", "id"), "ja": ("zh-hans", "ko", "pt")}


@transaction.atomic
def load() -> None:
    """Create the log once. Running it again changes nothing. The advisers must exist."""
    emails = [f"{name}@demo.example" for name, *_rest in ADVISERS]
    advisers = {user.email.partition("@")[0]: user for user in User.objects.filter(email__in=emails)}
    if Consultation.objects.filter(adviser__in=advisers.values()).exists():
        return
    chance = random.Random(SEED)  # noqa: S311  the demo must be reproducible
    rows, topics = [], []
    for began_at in _start_times(chance, timezone.localtime()):
        row, of_row = _consultation(chance, began_at, advisers)
        rows.append(row)
        topics += of_row
    _make_restricted_case(chance, rows, topics, advisers)
    Consultation.objects.bulk_create(rows, batch_size=500)
    ConsultationTopic.objects.bulk_create(topics, batch_size=1000)
    ReadGrant.objects.bulk_create(_read_grants(rows), batch_size=1000)
    Consultation.objects.filter(adviser__in=advisers.values()).update(logged_at=F("began_at"))
    record(None, "consultations.load_demo", changes=False)


def first_year(today: datetime.date) -> tuple[datetime.date, datetime.date]:
    """Return the last full fiscal year before a day: its first day, and the first day after it."""
    begins = today.replace(month=settings.CITY.fiscal_year_starts_in, day=1)
    ends = begins if begins <= today else begins.replace(year=begins.year - 1)
    return ends.replace(year=ends.year - 1), ends


def _start_times(chance: random.Random, now: datetime.datetime) -> Iterator[datetime.datetime]:
    """Yield when consultations began: a fixed number in the first year, and as many per day since then."""
    begins, ends = first_year(now.date())
    days = _open_days(begins, ends)
    for day in sorted(chance.choices(days, k=FIRST_YEAR_COUNT)):
        yield _random_time(chance, day)
    since = _open_days(ends, now.date() + datetime.timedelta(days=1))
    for day in sorted(chance.choices(since, k=round(FIRST_YEAR_COUNT * len(since) / len(days)))) if since else ():
        moment = _random_time(chance, day)
        if moment + datetime.timedelta(hours=1) < now:
            yield moment


def _open_days(begins: datetime.date, ends: datetime.date) -> list[datetime.date]:
    days = (begins + datetime.timedelta(days=number) for number in range((ends - begins).days))
    return [day for day in days if day.weekday() != CLOSED_ON and not is_closed_every_year(day)]


def _random_time(chance: random.Random, day: datetime.date) -> datetime.datetime:
    minutes = chance.randrange(10 * 60, 16 * 60 + 30, 5)
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time(minutes // 60, minutes % 60)))


def _weighted_choice(chance: random.Random, shares) -> str:
    return chance.choices(list(shares), weights=list(shares.values()))[0]


def _consultation(chance, began_at, advisers) -> tuple[Consultation, list[ConsultationTopic]]:
    name, _share, languages, notes_in = chance.choices(ADVISERS, weights=[it[1] for it in ADVISERS])[0]
    language = _weighted_choice(chance, dict(languages))
    codes = [_weighted_choice(chance, {code: it[0] for code, it in TOPICS.items()})]
    if codes[0] in SECOND_TOPICS and chance.random() < 0.35:
        codes.append(SECOND_TOPICS[codes[0]])
    outcome = _weighted_choice(chance, OUTCOMES)
    channel = _weighted_choice(chance, CHANNELS)
    row = Consultation(
        adviser=advisers[name],
        began_at=began_at,
        month=timezone.localdate(began_at).replace(day=1),
        minutes=chance.choices((5, 10, 15, 20, 30, 45, 60, 90), weights=(10, 22, 24, 18, 14, 7, 4, 1))[0],
        channel=channel,
        enquirer=_weighted_choice(chance, ENQUIRERS),
        language=language,
        language_support=_language_support(chance, language, languages),
        mother_tongue=_mother_tongue(chance, language),
        nationality=chance.choices(
            (chance.choice(NATIONALITIES[language]), "", Consultation.DECLINED), weights=(70, 27, 3)
        )[0],
        outcome=outcome,
        referred_to=TOPICS[codes[0]][1] if outcome == Outcome.REFERRAL else "",
        note=TOPICS[codes[0]][2][notes_in == "en"],
        late_reason="Logged after an outreach day." if channel == ConsultationChannel.OUTREACH else "",
    )
    return row, _topics(row, codes)


def _topics(row: Consultation, codes: list[str]) -> list[ConsultationTopic]:
    scheme = taxonomy.scheme_version()
    return [
        ConsultationTopic(consultation=row, topic=code, scheme=scheme, is_primary=position == 0)
        for position, code in enumerate(codes)
    ]


def _language_support(chance: random.Random, language: str, languages) -> str:
    if language == "ja-simple":
        return LanguageSupport.EASY
    if language == settings.CITY.default_language:
        return LanguageSupport.NONE
    if language == languages[0][0] or chance.random() < 0.5:
        return LanguageSupport.ADVISER
    return chance.choice((LanguageSupport.THREE_WAY_PHONE, LanguageSupport.MACHINE, LanguageSupport.VIDEO))


def _mother_tongue(chance: random.Random, language: str) -> str:
    own = chance.choice(MOTHER_TONGUES.get(language, (language,)))
    return chance.choices((own, "", Consultation.DECLINED), weights=(60, 38, 2))[0]


def _make_restricted_case(chance, rows, topics, advisers) -> None:
    """Move a few of the first adviser's consultations to a restricted case of violence with two members."""
    first, second = advisers["adviser"], advisers["adviser4"]
    client = Client.objects.create(
        name="Ana (invented)",
        contact="",
        name_index=blind_index("Ana (invented)", "name"),
        language="fil",
        last_seen_at=rows[-1].began_at,
    )
    case = Case.objects.create(
        subject="A safe place to stay",
        client=client,
        language="fil",
        is_restricted=True,
        assigned=first,
        opened_at=rows[-1].began_at,
    )
    CaseMember.objects.bulk_create(CaseMember(case=case, user=user) for user in (first, second))
    late = rows[FIRST_YEAR_COUNT // 2 : FIRST_YEAR_COUNT]
    chosen = chance.sample([row for row in late if row.adviser == first], k=RESTRICTED)
    keys = {row.public_id for row in chosen}
    topics[:] = [it for it in topics if it.consultation.public_id not in keys]
    for row in chosen:
        row.case, row.client, row.is_restricted = case, client, True
        row.language, row.outcome, row.referred_to = "fil", Outcome.REFERRAL, "women_support"
        row.note = "She is afraid to go home. Called the support centre together."
        topics += _topics(row, ["dv_abuse", "housing"])


def _read_grants(rows: list[Consultation]) -> Iterator[ReadGrant]:
    for row in rows:
        readers = {row.adviser_id}
        if row.case:
            readers |= row.case.member_ids()
        for user in readers:
            yield ReadGrant(consultation=row, user_id=user)
