"""`limen lab` as a person starts it, and a second press of the button."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
from labs import Serve

from limen.lab.run import Run

LIMEN = Path(sys.executable).with_name("limen")


def test_the_command_finds_a_free_port_and_its_address_opens_the_lab() -> None:
    command = [LIMEN, "lab", "--port", "0"]
    lab = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    with lab:
        assert lab.stdout is not None
        assert lab.stderr is not None
        try:
            launch = lab.stdout.readline().removeprefix("Open ").strip()
            for line in lab.stderr:
                if "running on" in line:
                    break
            with httpx.Client(trust_env=False, follow_redirects=True) as client:
                opened = client.get(launch)
        finally:
            lab.send_signal(signal.SIGINT)
            _, errors = lab.communicate(timeout=30)
    assert opened.status_code == 200
    assert "What does each strategy do?" in opened.text
    assert opened.url.query == b""
    assert "Traceback" not in errors
    assert "launch" not in errors


def test_one_run_goes_on_at_a_time(serve: Serve, run: Run) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> Run:
        begun.set()
        may_end.wait(30)
        return run

    served = serve(slow)
    answers: list[int] = []
    with served.admitted() as client:
        token = client.get("/").text.partition('name="csrf" value="')[2].partition('"')[0]

        def press() -> None:
            headers = {"Origin": served.url}
            answers.append(
                client.post(
                    "/runs", data={"csrf": token, "scenario": "logout"}, headers=headers
                ).status_code
            )

        first = threading.Thread(target=press)
        first.start()
        assert begun.wait(30)
        press()
        may_end.set()
        first.join()
    assert answers == [409, 303]
