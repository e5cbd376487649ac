"""A reader's visit: their page in Chromium, and what went wrong on it."""

import re
from dataclasses import dataclass, field

from django.utils import translation
from playwright.sync_api import Page

from services.languages.ruby import as_plain

CODE = re.compile(r"^\s*([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", re.MULTILINE)
PASSWORD = "a-long-enough-password"


@dataclass
class Visit:
    """One reader before the portal at `address`, with a language in mind."""

    page: Page
    address: str
    language: str | None
    strangers: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def refuse(self, route) -> None:
        """Another host was asked for something."""
        self.strangers.append(route.request.url)
        route.abort()

    def _console(self, message) -> None:
        # Chromium counts an error page itself as a resource that failed; it is what the test came to see.
        of_the_page = "Failed to load resource" in message.text and message.location["url"] == self.page.url
        if message.type in {"error", "warning"} and not of_the_page:
            self.complaints.append(message.text)

    def open(self, path: str):
        """Go to a path below the language, or to a whole one."""
        return self.page.goto(path if path.startswith("/") else f"/{self.language}/{path}")

    @property
    def path(self) -> str:
        """Where the reader is."""
        return self.page.url.removeprefix(self.address)

    def says(self, words: str, *, context: str | None = None) -> str:
        """What the catalogue has for an English sentence in the reader's language, without furigana."""
        with translation.override(self.language):
            found = translation.pgettext(context, words) if context else translation.gettext(words)
        return as_plain(found)

    def read(self, selector: str) -> str:
        """The words of an element as they are read, without furigana and line breaks."""
        return self.page.locator(selector).first.evaluate(
            """element => {
                const copy = element.cloneNode(true);
                copy.querySelectorAll('rt, rp').forEach(reading => reading.remove());
                return copy.textContent.replace(/\\s+/g, ' ').trim();
            }"""
        )

    def fold_out(self, summary: str) -> None:
        """Open what folds, if it is not open."""
        if self.page.locator(f"details[open] > {summary}").count() == 0:
            self.page.locator(f"details > {summary}").first.click()

    def sign_in_as(self, role: str) -> None:
        """Be one of the demo's people, by the button on the demo's page."""
        self.open("demo/")
        card = self.page.locator(".card", has=self.page.get_by_text(f"{role}@demo.example", exact=True))
        card.get_by_role("button").click()

    def code_mailed_to(self, address: str, *, mails: int = 1) -> str:
        """The code in the newest of so many mails to an address, as the demo's page shows them.

        Background work writes them a moment after they are asked for.
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
