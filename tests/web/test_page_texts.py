"""How pages and their files are served."""

import re

import httpx
import pytest

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.mark.parametrize("path", ["/", "/forms", "/review", "/docs"])
def test_a_page_names_its_files_by_their_version(served, path):
    page = httpx.get(served.url + path)
    assert page.headers["cache-control"] == "no-cache"
    named = re.findall(r'"(static/[0-9a-f]{12}/[^"]+)"', page.text)
    assert len(named) >= 3
    assert not re.search(r'"static/[^"/]+"', page.text)
    for name in named:
        found = httpx.get(f"{served.url}/{name}")
        assert found.status_code == 200
        assert "immutable" in found.headers["cache-control"]
    of_another = re.sub("[0-9a-f]{12}", "0" * 12, named[0])
    assert httpx.get(f"{served.url}/{of_another}").status_code == 404


@pytest.mark.parametrize("path", ["/forms", "/review", "/docs"])
def test_a_slash_behind_a_page_does_no_harm(served, path):
    found = httpx.get(f"{served.url}{path}/", follow_redirects=True)
    assert (found.status_code, found.url.path) == (200, path)


@pytest.mark.parametrize("path", ["/nothing", "/a/b/c"])
def test_people_get_a_page_where_there_is_none_and_programs_a_problem(served, path):
    missing = httpx.get(served.url + path, headers=HTML)
    assert missing.status_code == 404
    assert "There is no such page" in missing.text
    style = re.search(r'href="([^"]+style.css)"', missing.text)[1]
    assert httpx.get(httpx.URL(served.url + path).join(style)).status_code == 200
    problem = httpx.get(served.url + path)
    assert problem.headers["content-type"] == "application/problem+json"
    of_the_api = httpx.get(f"{served.url}/v1/nothing", headers=HTML)
    assert of_the_api.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/", "/forms", "/review", "/docs"])
def test_a_browser_without_javascript_is_told_so(served, path):
    assert "<noscript>" in httpx.get(served.url + path).text
