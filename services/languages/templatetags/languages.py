"""Template tags and filters available in every template (settings list them as built-in)."""

from django import template
from django.templatetags.i18n import BlockTranslateNode, do_block_translate

from services.languages.dates import format_date

register = template.Library()
register.filter("day", format_date)


class BrokenTranslation(Exception):
    """Raised for a translation whose placeholders cannot be filled in."""


class _StrictBlockTranslateNode(BlockTranslateNode):
    """Django's `blocktranslate`, which raises an error for a broken translation in a message.

    If a translation has an unknown placeholder, Django silently falls back to English. That is right for a page, but
    not for a message, which states its language (`is_letter` in the context): there, raise `BrokenTranslation`, and the
    renderer tries the next language.
    """

    def render(self, context, nested=False):
        """Render as Django does; `nested` is its second attempt, without a translation."""
        if nested and context.get("is_letter"):
            raise BrokenTranslation(str(self.render_token_list(self.singular)[0]))
        return super().render(context, nested=nested)


@register.tag("blocktranslate")
def block_translate(parser, token) -> _StrictBlockTranslateNode:
    """Django's `blocktranslate`, which never silently falls back to English in a message."""
    return _StrictBlockTranslateNode(**vars(do_block_translate(parser, token)))
