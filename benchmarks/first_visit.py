"""What a browser downloads on the first visit to the home page."""

from urllib.parse import urljoin, urlsplit

from playwright.sync_api import sync_playwright

from benchmarks.serving import PORTAL, city, serving
from benchmarks.table import Row
from tests.support.needs import chromium_program

REACH_BYTES, REACH_REQUESTS = 60_000, 10
# Counted too, although a headless browser, unlike a phone, does not download these.
ALSO = ('link[rel="icon"]', 'link[rel="manifest"]')


def measure():
    """Measure bytes, requests and hosts with an empty cache, in the largest of three languages."""
    with city("SQLite") as (env, _database), serving(PORTAL, env) as portal, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_program(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        seen = {language: _visit(browser, portal, language) for language in ("ne", "ja", "ar")}
        browser.close()
    size = max(sum(sizes.values()) for sizes in seen.values())
    requests = max(len(sizes) for sizes in seen.values())
    hosts = {urlsplit(url).hostname for sizes in seen.values() for url in sizes}
    values = {language: {urlsplit(url).path: size for url, size in sizes.items()} for language, sizes in seen.items()}
    yield Row("first visit: transferred", "≤ 60 kB", f"{size / 1000:.1f} kB", size <= REACH_BYTES, values)
    yield Row("first visit: requests", "≤ 10", f"{requests}", requests <= REACH_REQUESTS)
    yield Row("first visit: hosts", "1", f"{len(hosts)}", hosts == {"localhost"}, {"hosts": sorted(map(str, hosts))})


def _visit(browser, portal, language: str) -> dict[str, int]:
    """Return the bytes of each response, with headers and redirects, by URL."""
    context = browser.new_context(locale=language, viewport={"width": 360, "height": 740})
    page = context.new_page()
    sizes, urls = {}, {}
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")

    def sent(event):
        if redirect := event.get("redirectResponse"):
            sizes[redirect["url"]] = redirect["encodedDataLength"]
        urls[event["requestId"]] = event["request"]["url"]

    def done(event):
        if not urls[event["requestId"]].startswith("data:"):
            sizes[urls[event["requestId"]]] = event["encodedDataLength"]

    wire.on("Network.requestWillBeSent", sent)
    wire.on("Network.loadingFinished", done)
    page.goto(f"http://localhost:{portal.port}/", wait_until="networkidle")
    for selector in ALSO:
        url = urljoin(page.url, page.locator(selector).first.get_attribute("href"))
        if url not in sizes:
            answer = portal.get(urlsplit(url).path, Accept_Encoding="gzip")
            sizes[url] = answer.length_read + len(bytes(str(answer.headers), "utf-8"))
    context.close()
    return sizes
