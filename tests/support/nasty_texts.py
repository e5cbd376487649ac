"""Texts that break careless code, for use as explicit examples of Hypothesis tests.

On SQLite Hypothesis runs the explicit examples and then generates more. On PostgreSQL it runs only the explicit ones
(tests/conftest.py): the generated ones would be the same again, because every test is derandomized.
"""

from collections.abc import Callable, Sequence

from django.test import Client
from hypothesis import HealthCheck, Phase, example, settings
from hypothesis import strategies as st

# For tests whose generated examples are about rows and their order, not about texts.
EVEN_ON_POSTGRESQL = settings(phases=tuple(Phase))


NASTY = (
    "\x00", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "\ufffd", "\u200b", "\u3164",
    "\u202e", "\u2066", "\u200d", "か\u3099", "A\u030a", "<script>alert(1)</script>", "'; DROP TABLE x; --",
    "{a|b}", "{漢字|かんじ}", "{{ 7*7 }}", "%(name)s", "%s", "\r\nSet-Cookie: a=b", "../../etc/passwd",
    "//evil.example", "javascript:alert(1)", "9" * 400, "-1", "1e999999", "0001-01-01", "9999-12-31",
    "NaN", "=1+1", "+1", "@SUM(A1)", "\t", "𝔘𝔫𝔦", "🏳️‍🌈", "ﷺ" * 50, "م\u200cی",
)  # fmt: skip


def every_nasty_text(*texts: str, step: int = 1, **others: int | Sequence) -> Callable:
    """Decorate a Hypothesis test with explicit examples, so that each nasty text comes at least once.

    texts: the names of the text arguments; in each example, they all get different texts.
    step: how far each example moves along the texts; more than one only if an example uses that many texts.
    others: a number becomes a list of that many texts; from a sequence, each example takes the next value.
    """

    def decorate(test: Callable) -> Callable:
        for turn, first in reversed(list(enumerate(range(0, len(NASTY), step)))):  # decorators apply bottom-up
            words = NASTY[first:] + NASTY[:first]
            values = dict(zip(texts, words, strict=False))
            for name, wanted in others.items():
                if isinstance(wanted, int):
                    values[name] = [words[place % len(words)] for place in range(wanted)]
                else:
                    values[name] = wanted[turn % len(wanted)]
            test = example(**values)(test)
        return test

    return decorate


TEXT = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=300), st.lists(st.sampled_from(NASTY), max_size=4).map("".join)
)


MANY = settings(
    max_examples=45, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def browser() -> Client:
    return Client(HTTP_HOST="localhost", raise_request_exception=False)


def sendable(text: str) -> str:
    """Return the text as a form can send it, because UTF-8 cannot encode lone surrogates."""
    return text.encode("utf-8", "replace").decode()
