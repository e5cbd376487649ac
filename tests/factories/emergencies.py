"""Emergencies as staff issue them."""

from services.notices.emergencies.actions import issue
from services.notices.models import Notice
from tests.factories.accounts import UserFactory
from tests.factories.notices import TopicFactory

DANISH = {"title": "Hede", "body": "Drik vand."}


def issue_emergency(**facts) -> Notice:
    """Issue an emergency in English and Japanese; no messages have been created yet."""
    texts = {
        "title_en": "Heat",
        "body_en": "Drink.",
        "title_ja": "猛暑",
        "body_ja": "水を飲む。",
        "source_language": "ja",
    }
    notice = Notice(**{"pattern": "heat", "level": 2} | texts | facts)
    if notice.topic_id is None:
        notice.topic = TopicFactory()
    return issue(notice, by=UserFactory())
