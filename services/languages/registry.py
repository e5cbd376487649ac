"""The portal's languages: code, own name, direction. Imports nothing from Django, because settings import it.

We define the own names because Django's are wrong or missing for some languages. `ja-simple` (Easy Japanese) uses
the BCP 47 variant subtag "simple"; Filipino is `fil`, never `tl` (ISO 639-3, IANA registry).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """A language: `code` for URLs and `lang` attributes, `own_name` in its own script."""

    code: str
    own_name: str
    english: str
    dir: str = "ltr"

    @property
    def column(self) -> str:
        """The suffix of the language's database columns: `ja_simple` in `title_ja_simple`."""
        return self.code.replace("-", "_")


SPOKEN = {
    language.code: language
    for language in (
        Language("ja", "日本語", "Japanese"),
        Language("ja-simple", "やさしい日本語", "Easy Japanese"),
        Language("en", "English", "English"),
        Language("zh-hans", "简体中文", "Chinese (simplified)"),
        Language("ko", "한국어", "Korean"),
        Language("fil", "Filipino", "Filipino"),
        Language("ne", "नेपाली", "Nepali"),
        Language("vi", "Tiếng Việt", "Vietnamese"),
        Language("ar", "العربية", "Arabic", "rtl"),
        Language("da", "Dansk", "Danish"),
    )
}

# Other codes that people, browsers and old links use: each redirects to our code.
ALIASES = {
    "tl": "fil",
    "ja-easy": "ja-simple",
    "easy": "ja-simple",
    "zh": "zh-hans",
    "zh-cn": "zh-hans",
    "zh-sg": "zh-hans",
}

# Languages missing from django.conf.locale.LANG_INFO.
MISSING_IN_DJANGO = {
    code: {
        "bidi": SPOKEN[code].dir == "rtl",
        "code": code,
        "name": SPOKEN[code].english,
        "name_local": SPOKEN[code].own_name,
    }
    for code in ("ja-simple", "fil")
}
