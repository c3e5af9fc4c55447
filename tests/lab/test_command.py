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
from limen.lab.scenarios import LOGOUT_REPLAY
from limen.lab.setups import SETUPS

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


def test_a_run_that_takes_long_says_how_far_it_is(serve: Serve, run: Run) -> None:
    may_end = threading.Event()

    def slow() -> Run:
        may_end.wait(30)
        return run

    served = serve(slow)
    with served.admitted() as client:
        token = client.get("/").text.partition('name="csrf" value="')[2].partition('"')[0]
        form, headers = {"csrf": token, "scenario": "logout"}, {"Origin": served.url}
        begun = client.post("/runs", data=form, headers=headers)
        job = begun.headers["location"]
        assert job.startswith("/jobs/")
        assert "Running: login, read, logout, replay" in client.get(job).text
        assert client.get(f"{job}/state").json()["state"] == "running"
        may_end.set()
        while client.get(f"{job}/state").json()["state"] == "running":
            pass
        assert client.get(job).headers["location"] == f"/runs/{run.id}"


def test_a_run_that_fails_says_so_and_nothing_else(serve: Serve) -> None:
    def failing() -> Run:
        raise RuntimeError("a text with what-nobody-may-see in it")

    served = serve(failing)
    with served.admitted() as client:
        token = client.get("/").text.partition('name="csrf" value="')[2].partition('"')[0]
        form, headers = {"csrf": token, "scenario": "logout"}, {"Origin": served.url}
        begun = client.post("/runs", data=form, headers=headers)
        page = client.get(begun.headers["location"]).text
        assert "failed" in page
        assert "what-nobody-may-see" not in page
        assert "None yet" in client.get("/").text


def test_a_scenario_says_which_column_and_step_it_is_in() -> None:
    said: list[str] = []
    LOGOUT_REPLAY(setups=(SETUPS["session"],), say=said.append)
    assert said[0] == "session, column 1 of 1: starting servers"
    assert [one.rpartition(": ")[2] for one in said[1:4]] == [
        "Alice signs in with e-mail and passphrase",
        "a thief copies what she holds",
        "her browser asks for a protected resource",
    ]
