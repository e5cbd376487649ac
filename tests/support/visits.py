"""A reader's visit: their page in Chromium, and the errors on it."""

import re
import time
from dataclasses import dataclass, field

from django.conf import settings
from django.utils import translation
from playwright.sync_api import Page

from services.languages.furigana import strip_readings

CODE = re.compile(r"^\s*([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", re.MULTILINE)
KEPT_FOR = 300.0  # seconds; the portal ends idle staff sessions only after a longer time
PASSWORD = "a-long-enough-password"


@dataclass
class Sessions:
    """A worker's sessions of the demo's people, so that each signs in once and not for every page."""

    kept: dict[tuple[str, str], tuple[float, list[dict]]] = field(default_factory=dict)

    def cookies(self, address: str, role: str) -> list[dict]:
        """Return the cookies of a session that will not end soon, or an empty list."""
        since, cookies = self.kept.get((address, role), (0.0, []))
        return cookies if time.monotonic() - since < KEPT_FOR else []

    def keep(self, address: str, role: str, cookies: list[dict]) -> None:
        """Store the session's cookies, but not the language, which each reader chooses."""
        ours = {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}
        self.kept[address, role] = time.monotonic(), [each for each in cookies if each["name"] in ours]


@dataclass
class Visit:
    """One reader of the portal at `address`, in one language."""

    page: Page
    address: str
    language: str
    sessions: Sessions = field(default_factory=Sessions)
    strangers: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.context.on("request", self._request)

    def start_over(self) -> None:
        """Become a new reader in the same tab, without cookies."""
        self.strangers, self.complaints = [], []
        self.page.context.clear_cookies()
        self.page.emulate_media(color_scheme="light")

    def _request(self, request) -> None:
        """Record a request to another host; Chromium was started so that it finds none."""
        if request.url.startswith("http") and not request.url.startswith(f"{self.address}/"):
            self.strangers.append(request.url)

    def _console(self, message) -> None:
        # Chromium reports an error page itself as a failed resource, but the test opened that page on purpose.
        of_the_page = "Failed to load resource" in message.text and message.location["url"] == self.page.url
        if message.type in {"error", "warning"} and not of_the_page:
            self.complaints.append(message.text)

    def open(self, path: str):
        """Open a path below the language, or an absolute path."""
        return self.page.goto(path if path.startswith("/") else f"/{self.language}/{path}")

    @property
    def path(self) -> str:
        """Return the current URL's path."""
        return self.page.url.removeprefix(self.address)

    def says(self, words: str, *, context: str | None = None) -> str:
        """Return the translation of an English text in the reader's language, without furigana."""
        with translation.override(self.language):
            found = translation.pgettext(context, words) if context else translation.gettext(words)
        return strip_readings(found)

    def read(self, selector: str) -> str:
        """Return the visible text of an element, without furigana and line breaks."""
        return self.page.locator(selector).first.evaluate(
            """element => {
                const copy = element.cloneNode(true);
                copy.querySelectorAll('rt, rp').forEach(reading => reading.remove());
                return copy.textContent.replace(/\\s+/g, ' ').trim();
            }"""
        )

    def fold_out(self, summary: str) -> None:
        """Expand a `<details>` element if it is not open."""
        if self.page.locator(f"details[open] > {summary}").count() == 0:
            self.page.locator(f"details > {summary}").first.click()

    def sign_in_as(self, role: str) -> None:
        """Sign in as one of the demo's people, with the button on the demo's page."""
        self.open("demo/")
        card = self.page.locator(".card", has=self.page.get_by_text(f"{role}@demo.example", exact=True))
        card.get_by_role("button").click()

    def be(self, role: str) -> None:
        """Become one of the demo's people, in their existing session if there is one."""
        if cookies := self.sessions.cookies(self.address, role):
            self.page.context.add_cookies(cookies)
            return
        self.sign_in_as(role)
        self.page.wait_for_url(lambda url: not url.endswith("/demo/"))
        self.sessions.keep(self.address, role, self.page.context.cookies())

    def code_mailed_to(self, address: str, *, mails: int = 1) -> str:
        """Return the code from the newest email to an address, once the demo's page shows `mails` of them.

        A background task writes the emails a moment after the request.
        """
        reading = self.page.context.new_page()
        try:
            for _look in range(100):
                reading.goto(f"/{self.language}/demo/")
                found = reading.locator("details.more", has=reading.get_by_text(address, exact=True))
                if found.count() >= mails and (code := CODE.search(found.first.locator("pre").text_content())):
                    return code[1]
                reading.wait_for_timeout(200)
        finally:
            reading.close()
        raise AssertionError(f"No code came to {address}")
