"""What the notices begin with: the topics of topics.json, named in every language."""

import json
from pathlib import Path

from django.db import transaction
from django.db.models import F

from services.languages.table import SPOKEN
from services.notices.models import Topic

TOPICS = Path(__file__).parent / "topics.json"


@transaction.atomic
def load_topics() -> int:
    """Put the topics in place, in the file's order; a second time changes only what differs. Returns how many did.

    A topic that is not in the file stays, after those that are: notices and subscriptions hold on to it.
    """
    wanted = {facts["code"]: _columns(facts) for facts in json.loads(TOPICS.read_text("utf-8"))}
    topics = {topic.code: topic for topic in Topic.objects.all()}
    order = [*wanted, *(code for code in topics if code not in wanted)]
    if any(code in topics and topics[code].position != place for place, code in enumerate(order, start=1)):
        # Positions are unique, and two topics may be about to change places.
        _make_room(max(len(order), *(topic.position for topic in topics.values())) + 1)
        moved = True
    else:
        moved = False
    changed = 0
    for place, code in enumerate(order, start=1):
        topic, columns = topics.get(code) or Topic(code=code), wanted.get(code, {}) | {"position": place}
        differs = topic.pk is None or any(getattr(topic, name) != value for name, value in columns.items())
        if differs or moved:
            for name, value in columns.items():
                setattr(topic, name, value)
            topic.save()
        changed += differs
    return changed


def _make_room(places: int) -> None:
    Topic.objects.update(position=F("position") + places)


def _columns(facts: dict) -> dict[str, str]:
    texts = {f"{name}_{SPOKEN[code].column}": text for name in ("name", "about") for code, text in facts[name].items()}
    return {"icon": facts["icon"], **texts}
