"""The built site, served to this machine, and a Chromium that reaches no other host; `make site` builds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser.lab import FLAGS
from tools.site.measure import ALONE
from tools.site.places import OUT
from tools.site.serve import Site


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder of the site."""
    if not (OUT / "index.html").is_file():
        pytest.fail("there is no site in build/site: run `make site`")
    return OUT


@pytest.fixture(scope="session")
def site(built: Path) -> Iterator[Site]:
    with Site(built) as served:
        yield served


@pytest.fixture(scope="session")
def chromium(playwright: Any, browser: str) -> Iterator[Any]:
    started = playwright.chromium.launch(executable_path=browser, args=[*FLAGS, ALONE])
    yield started
    started.close()


@pytest.fixture
def opened(chromium: Any, site: Site) -> Callable[..., Any]:
    """Opens a page of the site in a fresh context; it may ask no other host, and report no error."""

    @contextmanager
    def open_page(path: str, **options: Any) -> Iterator[Any]:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        asked: list[str] = []
        errors: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(f"{site.base}/{path}")
        yield page
        page.context.close()
        assert {url for url in asked if not url.startswith((site.base, "data:", "blob:"))} == set()
        assert errors == []

    return open_page
