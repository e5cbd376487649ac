"""What every template may use; loaded everywhere by settings."""

from django import template
from django.templatetags.i18n import BlockTranslateNode, do_block_translate

from services.languages.days import written_day

register = template.Library()
register.filter("day", written_day)


class BrokenTranslation(Exception):
    """A catalogue's sentence that cannot be filled in."""


class _WholeBlock(BlockTranslateNode):
    """A sentence with words in it, as Django's own tag writes it.

    Where a translator has broken it (a placeholder that is none), Django writes it in English without a word to
    anybody. A page is better for that. What says in which language it is written (`is_letter` in its context) is not:
    there it is a fault, for which whoever writes the letter takes the next language.
    """

    def render(self, context, nested=False):
        """Django's text; `nested` is its second try, without a language."""
        if nested and context.get("is_letter"):
            raise BrokenTranslation(str(self.render_token_list(self.singular)[0]))
        return super().render(context, nested=nested)


@register.tag("blocktranslate")
def block_translate(parser, token) -> _WholeBlock:
    """Django's `blocktranslate`, which in a letter never falls back to English unsaid."""
    return _WholeBlock(**vars(do_block_translate(parser, token)))
