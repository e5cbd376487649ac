"""The recipients of the measured broadcast: as many as Guro in Seoul had foreign residents in 2012."""

import itertools
from collections.abc import Iterator

NUMBER = 43_239
# Per cent of the readers: uneven, as in reality, but with all languages.
SHARES = {
    "zh-hans": 58, "vi": 12, "ko": 8, "ne": 6, "fil": 5, "en": 4, "ja-simple": 3, "ja": 2, "ar": 1, "da": 1,
}  # fmt: skip


def languages() -> Iterator[str]:
    """Yield the readers' languages in a mixed order, endlessly."""
    hundred = sorted((place / share, language) for language, share in SHARES.items() for place in range(1, share + 1))
    return itertools.cycle(language for _place, language in hundred)
