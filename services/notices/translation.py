"""The translated fields of notices and topics."""

from modeltranslation.translator import TranslationOptions, register

from services.notices.news.models import Notice
from services.notices.subscriptions.models import Topic


@register(Topic)
class TopicTranslationOptions(TranslationOptions):
    """A topic's name and description."""

    fields = ("name", "about")


@register(Notice)
class NoticeTranslationOptions(TranslationOptions):
    """A notice's texts and its place."""

    fields = (*Notice.TEXTS, "place")
