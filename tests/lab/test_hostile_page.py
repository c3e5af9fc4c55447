"""A hostile page on another port of this machine, open in the browser that uses the Lab.

Ports do not separate sites: the browser sends the Lab's cookie along (RFC 6265 section 8.5), so
the cookie alone must open nothing.
"""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from browsers import launched
from labs import Serve, Served
from playwright.sync_api import Browser, Page

from limen.lab.run import Run

PAGE = b"""<!doctype html><title>hostile</title><body></body>"""
FETCHES = """async ([lab, path]) => {
  const tries = {};
  const ways = {
    plain: {}, with_cookie: {credentials: 'include'},
    no_cors: {mode: 'no-cors', credentials: 'include'},
    post: {method: 'POST', credentials: 'include', mode: 'no-cors',
      headers: {'Content-Type': 'application/x-www-form-urlencoded'},
      body: 'scenario=logout&csrf='},
  };
  for (const [name, how] of Object.entries(ways)) {
    try {
      const answer = await fetch(lab + path, how);
      tries[name] = (await answer.text()).length;
    } catch { tries[name] = 'blocked'; }
  }
  return tries;
}"""
SOCKET = """lab => new Promise(done => {
  const socket = new WebSocket(lab.replace('http', 'ws') + '/');
  socket.onopen = () => done('opened');
  socket.onerror = () => done('refused');
})"""
LOADED = """([lab, tag, path]) => new Promise(done => {
  const one = document.createElement(tag);
  one.onload = () => done('loaded');
  one.onerror = () => done('refused');
  if (tag === 'link') { one.rel = 'stylesheet'; one.href = lab + path; } else one.src = lab + path;
  document.body.append(one);
  setTimeout(() => done('nothing'), 3000);
})"""


class _Hostile(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def hostile() -> Iterator[str]:
    """A server of another page, on a port of its own."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hostile) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as opened:
        yield opened


@pytest.fixture
def lab(serve: Serve, run: Run) -> Served:
    return serve(lambda: run)


@pytest.fixture
def page(browser: Browser, hostile: str, lab: Served) -> Iterator[Page]:
    """The hostile page, in a browser that is admitted to the Lab."""
    with browser.new_context() as context:
        used = context.new_page()
        used.goto(lab.launch_url)
        assert "What does each strategy do?" in used.content()
        page = context.new_page()
        page.goto(hostile)
        yield page
        used.goto(lab.url)  # whatever was tried, nothing was run
        assert "None yet" in used.content()


def test_no_fetch_reads_or_starts_anything(page: Page, lab: Served) -> None:
    for path in ("/", "/runs", "/runs/x/trace.json", "/static/lab.css"):
        tries = page.evaluate(FETCHES, [lab.url, path])
        assert set(tries.values()) <= {"blocked", 0}, (path, tries)


def test_no_socket_opens(page: Page, lab: Served) -> None:
    assert page.evaluate(SOCKET, lab.url) == "refused"


@pytest.mark.parametrize(
    ("tag", "path"), [("img", "/static/icon.svg"), ("script", "/"), ("link", "/static/lab.css")]
)
def test_nothing_of_the_lab_can_be_embedded(page: Page, lab: Served, tag: str, path: str) -> None:
    assert page.evaluate(LOADED, [lab.url, tag, path]) != "loaded"


def test_no_frame_shows_the_lab(page: Page, lab: Served) -> None:
    page.evaluate(LOADED, [lab.url, "iframe", "/"])
    framed = page.frames[1]
    assert "What does each strategy do?" not in framed.content()


def test_no_form_starts_a_run(page: Page, lab: Served) -> None:
    page.evaluate(
        """lab => {
          const form = document.createElement('form');
          form.method = 'post'; form.action = lab + '/runs';
          for (const [name, value] of [['scenario', 'logout'], ['csrf', '0']]) {
            const field = document.createElement('input');
            field.name = name; field.value = value; form.append(field);
          }
          document.body.append(form); form.submit();
        }""",
        lab.url,
    )
    page.wait_for_url(f"{lab.url}/**")
    assert "Not from here" in page.content()


def test_an_opened_window_cannot_be_read(page: Page, lab: Served) -> None:
    read = page.evaluate(
        """async lab => {
          const other = open(lab + '/');
          await new Promise(done => setTimeout(done, 1500));
          try { return other.document.body.innerText; } catch { return 'closed to me'; }
        }""",
        lab.url,
    )
    assert read in ("closed to me", "")
