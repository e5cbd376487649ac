"""Which texts of notices exist in every language."""

from modeltranslation.translator import TranslationOptions, register

from services.notices.models import Notice, Topic


@register(Topic)
class TopicTranslation(TranslationOptions):
    """A topic's name and what it holds."""

    fields = ("name", "about")


@register(Notice)
class NoticeTranslation(TranslationOptions):
    """A notice's texts."""

    fields = (*Notice.TEXTS, "place")
