"""Who gets the broadcast that is measured: as many people as were foreign residents of Seoul's Guro in 2012."""

import itertools
from collections.abc import Iterator

NUMBER = 43_239
# Of a hundred readers; as uneven as in life, and nobody left out.
SHARES = {
    "zh-hans": 58, "vi": 12, "ko": 8, "ne": 6, "fil": 5, "en": 4, "ja-simple": 3, "ja": 2, "ar": 1, "da": 1,
}  # fmt: skip


def languages() -> Iterator[str]:
    """The readers' languages, mixed, without end."""
    hundred = sorted((place / share, language) for language, share in SHARES.items() for place in range(1, share + 1))
    return itertools.cycle(language for _place, language in hundred)
