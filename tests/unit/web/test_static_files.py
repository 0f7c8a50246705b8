"""What a browser loads besides a page's text: few small files of our own."""

import re
from pathlib import Path

from tests.unit.web.conftest import Site
from worker.web import pages


def test_static_files(site: Site) -> None:
    """Kept for ever under the path of their content, and no longer than a page under any other."""
    browser = site()
    style = browser.get("/").text.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = browser.get(style)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
    assert browser.get("/static/older/console.css").headers["cache-control"] == "no-store"
    assert browser.get("/static/x/htmx-LICENSE.txt").status_code == 404


def test_first_page_is_small(site: Site) -> None:
    """All that a first visit loads is at most 100 kB on its way."""
    browser = site()
    page = browser.get("/").text
    loaded = {part.split('"')[0] for part in page.split('="/static/')[1:]}
    answers = [browser.get(f"/static/{name}") for name in loaded]
    assert len(loaded) >= 4
    assert {answer.headers.get("content-encoding") for answer in answers} == {"gzip"}
    assert len(page.encode()) + sum(int(answer.headers["content-length"]) for answer in answers) <= 70_000
    assert browser.get(f"/static/{loaded.pop()}", headers={"accept-encoding": "identity"}).content


def test_no_paragraph_holds_a_block() -> None:
    """A browser ends a paragraph before a form, a list or a table.

    What stood behind it falls out of the layout.

    And no count stands before a plural, which would be wrong for one: `counted` chooses.
    """
    templates = sorted((Path(pages.__file__).parents[1] / "templates").glob("*.html"))
    assert len(templates) > 20
    held = [
        (path.name, found[0][:60])
        for path in templates
        for found in re.finditer(r"(?s)<p\b[^>]*>(.*?)</p>", path.read_text())
        if re.search(r"<(form|div|ul|ol|table|section|p)\b", found[1])
    ]
    assert held == []
    plurals = r"\|(?:number|length|round) }}(?:</?b>)? [a-z]+s\b(?! minute)"
    assert [(path.name, *found) for path in templates if (found := re.findall(plurals, path.read_text()))] == []
