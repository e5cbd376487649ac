"""The languages' names in the reader's language."""

from django.utils.translation import pgettext_lazy

NAMES = {
    "ja": pgettext_lazy("language", "Japanese"),
    "ja-simple": pgettext_lazy("language", "Easy Japanese"),
    "en": pgettext_lazy("language", "English"),
    "zh-hans": pgettext_lazy("language", "Chinese"),
    "ko": pgettext_lazy("language", "Korean"),
    "fil": pgettext_lazy("language", "Filipino"),
    "ne": pgettext_lazy("language", "Nepali"),
    "vi": pgettext_lazy("language", "Vietnamese"),
    "ar": pgettext_lazy("language", "Arabic"),
    "da": pgettext_lazy("language", "Danish"),
}
