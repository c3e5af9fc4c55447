"""A browser profile with the example's page open, and what a person does there."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

PATIENCE_MS = 30_000  # a busy machine is no fault
PASSWORD = "seven golden teapots"
# What Chromium itself writes to the console about an answer that refuses.
REFUSAL = "Failed to load resource: the server responded with a status of 4"


class Device:
    """One browser profile with the page open: its own cookies, its own console."""

    def __init__(self, browser: Browser, origin: str, strategy: str, width: int) -> None:
        self.origin = origin
        self.complaints: list[str] = []
        self.refusals: list[str] = []
        self.context = browser.new_context(
            base_url=origin, viewport={"width": width, "height": 900}
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._watch)
        self.page.goto(origin)
        self.choose(strategy)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            refused = message.text.startswith(REFUSAL)
            (self.refusals if refused else self.complaints).append(message.text)

    def _watch(self, request: Request) -> None:
        if not request.url.startswith(f"{self.origin}/"):
            self.complaints.append(f"asked another origin: {request.url}")

    def choose(self, strategy: str) -> None:
        self.page.get_by_role("radio", name=strategy).check()

    def sign_up(self, email: str) -> None:
        form = self.page.locator("#sign-up")
        form.get_by_label("Name").fill("Ada")
        form.get_by_label("E-mail").fill(email)
        form.get_by_label("Password").fill(PASSWORD)
        form.get_by_role("button", name="Create account").click()
        self.expect_signed_in()

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        # One of the two forms shows as soon as the page knows who is here.
        self.page.locator("#sign-up:visible, #sign-in:visible").first.wait_for()
        form = self.page.locator("#sign-in")
        if not form.is_visible():
            self.page.get_by_role("button", name="I have an account").click()
        form.get_by_label("E-mail").fill(email)
        form.get_by_label("Password").fill(password)
        form.get_by_role("button", name="Sign in").click()

    def sign_out(self) -> None:
        self.page.locator("#sign-out").click()
        expect(self.page.locator("#account-status")).to_have_text("Signed out.")

    def call(self, path: str = "/me") -> int:
        """Press the button and return the status that the page shows."""
        with self.page.expect_response(lambda answer: answer.url.endswith(path)) as answered:
            self.page.get_by_role("button", name=f"Call {path}").click()
        status = answered.value.status
        expect(self.page.locator("#call-result")).to_contain_text(f"{status}, ")
        return status

    def expect_signed_in(self) -> None:
        expect(self.page.locator("#signed-in")).to_be_visible()
        expect(self.page.locator("#devices li").first).to_be_visible()


OpenDevice = Callable[..., Device]
