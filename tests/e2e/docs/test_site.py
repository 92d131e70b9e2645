"""The documentation as a site. Judges: the generator's own check of links, and Chromium at two widths."""

import functools
import http.server
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[3]
NAV = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None)
PLACES = ["", "tutorial/quickstart/", "how-to/ci/", "reference/compatibility/", "reference/functions/"]
PLACES += ["explanation/architecture/", "explanation/why/"]


def _pages(nav: object) -> Iterator[str]:
    """The pages that a navigation names, at any depth."""
    if isinstance(nav, str):
        yield nav
    for part in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _pages(part)


def test_every_page_is_in_the_navigation() -> None:
    pages = [str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")]
    assert sorted(_pages(NAV)) == sorted(pages)


# --- built ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generator in an environment of its own, installed from its lock by hashes."""
    place = tmp_path_factory.mktemp("generator")
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", str(place)], check=True)
    wanted = ["--require-hashes", "--requirement", str(ROOT / "locks/docs.txt")]
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", str(place / "bin/python"), *wanted], check=True)
    return place / "bin/zensical"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", place / "docs")
    shutil.copy(ROOT / "zensical.toml", place)
    return place


def _built(generator: Path, place: Path) -> "subprocess.CompletedProcess[str]":
    argv = [str(generator), "build", "--strict", "--clean"]
    return subprocess.run(argv, cwd=place, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.network
def test_a_broken_link_stops_the_build(generator: Path, copy: Path, tmp_path: Path) -> None:
    place = tmp_path / "copy"
    shutil.copytree(copy, place)
    page = place / "docs/how-to/store.md"
    page.write_text(page.read_text() + "[nowhere](nowhere.md)\n")
    done = _built(generator, place)
    assert done.returncode != 0 and "store.md" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def served(generator: Path, copy: Path) -> Iterator[str]:
    """The address of the built site."""
    done = _built(generator, copy)
    assert done.returncode == 0, done.stdout + done.stderr
    handler = functools.partial(_Quiet, directory=str(copy / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_words: object) -> None: ...


@pytest.fixture(scope="module", params=[390, 1280])
def shown(request: pytest.FixtureRequest) -> Iterator[Page]:
    if not CHROMIUM:
        pytest.skip("there is no Chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_context(viewport={"width": request.param, "height": 800}).new_page()
        browser.close()


@pytest.mark.network
@pytest.mark.parametrize("place", PLACES)
def test_a_page_fits_asks_nobody_else_and_is_rendered_whole(served: str, shown: Page, place: str) -> None:
    asked: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(served + place, wait_until="networkidle")
    assert not [url for url in asked if not url.startswith(served)]
    wide, width = (shown.evaluate(f"document.documentElement.{name}") for name in ("scrollWidth", "clientWidth"))
    assert wide <= width, f"{place} scrolls sideways: {wide} of {width}"
    assert "```" not in shown.locator("article").inner_text()
    assert shown.locator("article h1").count() == 1
