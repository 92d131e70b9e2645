"""report.html in a real browser. Judge: Chromium, which the test set-up installs, asked by playwright."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from pipeline.report.html import page
from tests.integration.reports import reports

CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None)
WIDTHS = (400, 1200)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("there is no Chromium here")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a report as a file. Whatever page it was: it asked nothing of anybody, and the browser had no complaint."""
    asked: list[str] = []
    complaints: list[str] = []
    pages: list[Page] = []

    def open_(name: str, width: int = 1200, hash_: str = "", scheme: Scheme = "light", *, script: bool = True) -> Page:
        file = tmp_path / "report.html"
        past = reports.PAST[name]() if name in reports.PAST else {}
        file.write_text(page.render(reports.ALL[name](), past), encoding="utf-8")
        size: ViewportSize = {"width": width, "height": 800}
        shown = browser.new_context(viewport=size, color_scheme=scheme, java_script_enabled=script).new_page()
        pages.append(shown)
        shown.set_default_timeout(5000)
        shown.on("request", lambda request: asked.append(request.url))
        shown.on("console", lambda message: complaints.append(message.text))
        shown.on("pageerror", lambda error: complaints.append(str(error)))
        shown.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        shown.goto(f"{file.as_uri()}{hash_}")
        return shown

    yield open_
    for one in pages:
        one.context.close()
    assert not [url for url in asked if not url.startswith("file://")]
    assert complaints == []


def row(shown: Page, name: str):
    return shown.locator("#rows > .row").filter(has=shown.locator("summary .name", has_text=name)).first


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_red_and_why_is_on_the_first_screen(opened: Open, width: int) -> None:
    shown = opened("broken", width)
    expect(shown.get_by_role("heading", level=1)).to_have_text("2 of 8 failed")
    said = (
        "web/goss.yaml:4",
        "expected true, got false",
        "rails/Dockerfile:12",
        "Could not find gem 'puma'",
        "EADDRINUSE",
    )
    for text in said:
        box = shown.locator(".red").get_by_text(text).bounding_box()
        assert box["y"] + box["height"] <= 800, text


def test_filtering_and_searching_leave_what_was_asked_for(opened: Open) -> None:
    shown = opened("broken")
    names = shown.locator("#rows > .row:visible > summary .name")
    expect(names).to_have_count(8)
    shown.get_by_role("radio", name="failed 2").check()
    expect(names).to_have_text(["nodejs-backend", "rails-fullstack"])
    expect(shown.get_by_role("status")).to_have_text("2 of 8 shown")
    shown.get_by_role("radio", name="all 8").check()
    shown.keyboard.press("/")
    shown.keyboard.type("eaddrinuse ERROR:")
    expect(names).to_have_text(["nodejs-backend"])
    shown.keyboard.press("Escape")
    expect(names).to_have_count(8)


def test_a_failure_is_opened_by_its_link_whatever_is_filtered(opened: Open) -> None:
    shown = opened("broken")
    failed = row(shown, "rails-fullstack")
    failed.locator("summary").first.click()
    expect(failed).not_to_have_attribute("open", "")
    shown.get_by_role("radio", name="passed").check()
    expect(failed).to_be_hidden()
    shown.locator(".red").get_by_role("link", name="rails-fullstack").click()
    expect(failed).to_have_attribute("open", "")
    expect(failed.get_by_text("Fetching")).to_be_in_viewport()
    expect(failed.locator("summary").first).to_be_focused()
    shown.keyboard.press("Enter")
    expect(failed.get_by_text("Fetching")).to_be_hidden()
    elsewhere = opened("broken", hash_="#example-2")
    expect(row(elsewhere, "rails-fullstack")).to_be_in_viewport()


def test_an_example_has_all_that_is_known_of_it(opened: Open) -> None:
    shown = opened("broken")
    shown.get_by_role("button", name="Open all").click()
    flaky = row(shown, "go-microservices")
    flaky.get_by_text("Attempt 1 failed after 5.0 s").click()
    for text in ("migrating the database", "failed at attempt 1: refused", "waits for its base 40.0 s", "build 9.0 s"):
        expect(flaky.get_by_text(text).first).to_be_visible()
    flaky.get_by_text("19 other checks").click()
    expect(flaky.get_by_text("File /usr/bin/tool-3 exists")).to_be_visible()
    lint = row(shown, "lint")
    expect(lint.get_by_role("link", name="DL3015")).to_have_attribute(
        "href", "https://github.com/hadolint/hadolint/wiki/DL3015"
    )
    lint.get_by_text("26 other checks").click()
    expect(lint.get_by_text("files/25")).to_be_visible()
    expect(row(shown, "dev by archive").get_by_text("archive", exact=True)).to_be_visible()
    expect(row(shown, "multistage").get_by_text("mirror is down").first).to_be_attached()
    expect(shown.get_by_text("ghcr.io/acme/base:latest")).to_be_visible()
    shown.get_by_text("Layers of standard").click()
    layers = shown.get_by_role("region", name="layers of standard")
    expect(layers.get_by_role("row").last).to_have_text("RUN apt-get install600.0 MB200.0 MB90.0 MB")
    expect(layers.get_by_role("img", name="100 % of the image")).to_be_visible()


def test_a_log_begins_at_its_end(opened: Open) -> None:
    shown = opened("broken")
    log = row(shown, "nodejs-backend").get_by_role("region", name="output")
    assert log.evaluate("one => one.scrollHeight > one.clientHeight && one.scrollTop === 0")  # reversed: 0 is the end
    assert log.evaluate(
        "one => one.querySelector('code').getBoundingClientRect().bottom <= one.getBoundingClientRect().bottom"
    )


# Boxes that stick out of the window, except in boxes that scroll.
OUTSIDE = """() => [...document.querySelectorAll('body *')].filter(one => {
  const box = one.getBoundingClientRect();
  if (!box.width || one.closest('.wide') || one.closest('pre')) return false;
  return box.right > innerWidth + 1 || box.left < -1;
}).map(one => one.outerHTML.slice(0, 80))"""
# Neighbours in the timeline that share any place.
OVERLAPPING = """() => {
  const boxes = [...document.querySelectorAll('.bars > li, .axis > span, .legend > li')].flatMap(
    one => one.matches('.bars > li') ? [...one.children] : [one]).map(one => [one, one.getBoundingClientRect()]);
  const found = [];
  for (const [a, x] of boxes) for (const [b, y] of boxes)
    if (a !== b && x.width && y.width && x.left < y.right - .5 && y.left < x.right - .5
        && x.top < y.bottom - .5 && y.top < x.bottom - .5)
      found.push([a.textContent, b.textContent]);
  return found;
}"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["broken", "green", "long names", "hostile", "trends"])
def test_nothing_overflows_and_nothing_overlaps(opened: Open, name: str, width: int) -> None:
    shown = opened(name, width)
    shown.get_by_role("button", name="Open all").click()
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert shown.evaluate(OUTSIDE) == []
    assert shown.evaluate(OVERLAPPING) == []


def test_every_colour_of_the_timeline_is_in_its_legend(opened: Open) -> None:
    fills = "all => [...new Set(all.map(one => getComputedStyle(one).fill))].sort()"
    for scheme in SCHEMES:
        shown = opened("broken", scheme=scheme)
        known = shown.locator(".legend rect").evaluate_all(fills)
        assert shown.locator(".bars rect").evaluate_all(fills) == known
        assert len(known) == 6 == shown.locator(".legend li").count()
        expect(shown.locator(".legend li")).to_contain_text(["lint, take by archive", "failed"])
    assert shown.locator(".bars li").filter(has_text="lint").count() == 1
    assert (
        shown.get_by_role("img", name="waits for its base from 0.0 s for 40.0 s; build from 40.0 s for 19.0 s").count()
        == 1
    )


# The contrast of each element that has text of its own with what is behind it: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
CONTRASTS = """() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0);
  const behind = one => {
    for (; one; one = one.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(one).backgroundColor);
      if (a) return [r, g, b];
    }
  };
  return [...document.querySelectorAll('body *')]
    .filter(one => one.checkVisibility() && [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .map(one => {
      const [a, b] = [parse(getComputedStyle(one).color), behind(one)].map(light).sort().reverse();
      return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), one.outerHTML.slice(0, 80)];
    }).filter(([ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize("name", ["broken", "trends"])
def test_light_and_dark_can_be_read(opened: Open, name: str) -> None:
    """Judge: the contrast of 4.5 that WCAG's criterion 1.4.3 wants."""
    backgrounds = set()
    for scheme in SCHEMES:
        shown = opened(name, scheme=scheme)
        shown.get_by_role("button", name="Open all").click()
        backgrounds.add(shown.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert shown.evaluate(CONTRASTS) == []
    assert len(backgrounds) == 2


def test_hostile_texts_are_shown_and_do_nothing(opened: Open) -> None:
    shown = opened("hostile")
    shown.get_by_role("button", name="Open all").click()
    for folded in shown.locator(".row > details > summary").all():
        folded.click()
    shown.locator("#rows .name").first.click()
    title, text = shown.title(), shown.locator("body").inner_text()
    assert title != "pwned" and "</title></pre><script>" in title
    for said in ("<script>document.title='pwned'</script>", 'onclick="alert(2)"', "&lt;b&gt;", "\\x1b]0;pwned\\x07"):
        assert text.count(said) > 10
    assert not set(text) & {"\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\x00"}
    assert shown.locator("img:not(svg), script, [onclick], [onerror]").count() == 1  # our script
    assert shown.locator("a:not([href^='#'])").count() == 0


def test_the_policy_of_the_page_lets_nothing_in(browser: Browser, tmp_path: Path) -> None:
    """Judge: the browser's own reports of what it refused. Whatever got into the page could neither ask nor run."""
    file = tmp_path / "report.html"
    file.write_text(page.render(reports.green()), encoding="utf-8")
    shown = browser.new_page()
    shown.goto(file.as_uri())
    refused = shown.evaluate("""() => new Promise(done => {
      const refused = new Set();
      document.addEventListener('securitypolicyviolation', event => {
        refused.add(event.effectiveDirective);
        if (refused.size === 6) done([...refused].sort());
      });
      fetch('http://127.0.0.1:9/').catch(() => {});
      document.body.insertAdjacentHTML('beforeend', `<img src="http://127.0.0.1:9/x.png" onerror="document.title=1">
        <p style="color:red"><iframe src="http://127.0.0.1:9/">`);
      const script = document.createElement('script');
      script.textContent = 'document.title = "ran"';
      document.body.append(script);
    })""")
    assert refused == ["connect-src", "frame-src", "img-src", "script-src-attr", "script-src-elem", "style-src-attr"]
    assert shown.title().startswith("✓")
    shown.close()


def test_without_the_script_everything_can_be_read(opened: Open) -> None:
    shown = opened("broken", script=False)
    expect(shown.get_by_role("search")).to_be_hidden()
    expect(row(shown, "rails-fullstack").get_by_text("Fetching")).to_be_visible()
    row(shown, "python-cli").locator("summary").first.click()
    expect(row(shown, "python-cli").get_by_text("11 checks")).to_have_count(2)


def test_everything_that_can_be_used_has_a_name(opened: Open) -> None:
    """Judge: the names in Chromium's accessibility tree, as playwright lists them."""
    shown = opened("broken")
    tree = shown.locator("body").aria_snapshot()
    roles = ("link", "button", "radio", "searchbox", "img", "region", "heading", "group", "search")
    lines = [line.strip().removeprefix("- ") for line in tree.splitlines()]
    used = [line for line in lines if line.split(" ")[0].rstrip(":") in roles[:6]]
    assert len(used) > 20
    assert [line for line in used if '"' not in line and "/" not in line] == []


def test_a_print_has_what_failed_and_no_controls(opened: Open) -> None:
    shown = opened("broken")
    row(shown, "rails-fullstack").locator("summary").first.click()
    shown.emulate_media(media="print", color_scheme="dark")  # paper is white
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    shown.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(shown.get_by_role("search")).to_be_hidden()
    expect(row(shown, "rails-fullstack").get_by_text("Fetching")).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_what_earlier_runs_found_stands_beside_a_name(opened: Open, width: int) -> None:
    shown = opened("trends", width)
    turning = row(shown, "example-1")
    said = (
        "last 10 verdicts, oldest first: passed, passed, failed, passed, passed, failed, passed, passed, failed, passed"
    )
    strip = turning.get_by_role("img", name=said)
    expect(strip).to_have_text("✓✓✗✓✓✗✓✓✗✓")
    expect(strip).to_be_in_viewport()
    expect(turning.get_by_text("flaky", exact=True)).to_have_attribute("title", "passed and failed at ababababa")
    expect(row(shown, "example-0").get_by_text("flaky")).to_have_count(0)
    turning.locator("summary").first.click()
    turning.get_by_text("Earlier runs").click()
    lines = turning.locator("details li")
    expect(lines.filter(has_text="✓ run 10: passed in 1.5 s, 2026-11-27 07:40 UTC, ababababa")).to_be_visible()
    expect(lines.filter(has_text="✗ run 9: failed")).to_be_visible()


def test_five_hundred_examples_are_listed_filtered_and_found(opened: Open) -> None:
    shown = opened("many")
    visible = shown.locator("#rows > .row:visible")
    expect(visible).to_have_count(500)
    shown.get_by_role("searchbox").fill("example-499")
    expect(visible).to_have_count(1)
    expect(shown.locator(".timeline .bars")).to_be_hidden()
