"""What no module does: run what somebody sent, draw weak chance, compare secrets by `==`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from sources import PACKAGE, imports, modules

# Each of them runs or builds what it reads, or draws what can be guessed.
BANNED = frozenset(
    ["dill", "marshal", "pickle", "pickletools", "random", "shelve", "telnetlib", "xml", "yaml"]
)
RUNS_TEXT = frozenset(["eval", "exec", "compile", "__import__", "os.system", "os.popen"])
# The Lab's store lives in a child of its own; parent and child speak over a pipe of theirs alone.
ALLOWED = {"lab/servers/storehouse.py": "pickle"}
# Who draws randomness, and for what besides credentials.
DRAWS = {
    "entropy.py",
    "stores/redis/accounts.py",  # names a change that is under way
    "stores/redis/reconcile.py",  # names a process
    "lab/attacks/bounds.py",  # makes guesses that must miss
    "lab/attacks/forge.py",  # makes keys of an attacker
}
SECRETS = frozenset(
    [
        "binding",
        "credential",
        "csrf",
        "csrf_token",
        "mac",
        "password",
        "password_hash",
        "secret",
        "signature",
        "token",
    ]
)
# Stores look secrets up by their digest: finding one is no comparison that could be timed.
LOOKED_UP = ("lab/", "stores/", "testing/")
COMPARED = {
    # What Redis kept under this very token is compared with it: it was found by it.
    "elsewhere/secondary.py": "token",
    # A credential with itself, folded: whether it has blanks around it.
    "transports/bearer.py": "credential",
    # Two that the same client sent in the same request; they compare in constant time.
    "web/request.py": "credential",
}


def weapons(path: str, tree: ast.Module) -> Iterator[str]:
    """Yield the imports and calls that are banned, with their lines."""
    for imported in imports(tree):
        head = imported.name.split(".")[0]
        if head in BANNED and ALLOWED.get(path) != head:
            yield f"{path}:{imported.line} imports {head}"
        if head == "secrets" and path not in DRAWS:
            yield f"{path}:{imported.line} draws by itself"
        if re.fullmatch(r"uuid\.uuid\d|uuid", imported.name):
            yield f"{path}:{imported.line} takes a UUID for chance"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in RUNS_TEXT:
            yield f"{path}:{node.lineno} calls {ast.unparse(node.func)}"
        if isinstance(node, ast.keyword) and node.arg == "shell":
            yield f"{path}:{node.value.lineno} gives text to a shell"


def timed(path: str, tree: ast.Module) -> Iterator[str]:
    """Yield comparisons of secrets that stop at the first difference."""
    if path.startswith(LOOKED_UP):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            for side in (node.left, *node.comparators):
                name = _secret(side)
                against = [one for one in (node.left, *node.comparators) if one is not side]
                plain = all(isinstance(one, ast.Constant) for one in against)
                if name and not plain and COMPARED.get(path) != name:
                    yield f"{path}:{node.lineno} compares {name} by =="


def _secret(node: ast.expr) -> str | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        called = node.func.attr
        if called in ("reveal", "hexdigest"):
            return called
        if called == "get" and node.args and isinstance(node.args[0], ast.Constant):
            return node.args[0].value if node.args[0].value in SECRETS else None
        return None
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)
    return name if name in SECRETS else None


@pytest.mark.proves("asvs:7.2.3", "asvs:11.5.1")
def test_no_module_runs_what_it_reads_or_draws_what_can_be_guessed() -> None:
    assert [one for module in modules() for one in weapons(module.path, module.tree)] == []


@pytest.mark.proves("asvs:11.2.4")
def test_no_secret_is_compared_in_plain_time() -> None:
    assert [one for module in modules() for one in timed(module.path, module.tree)] == []


def test_an_exception_that_is_no_longer_needed_is_taken_off_the_list() -> None:
    for path, name in {**ALLOWED, **COMPARED}.items():
        assert name in (PACKAGE / path).read_text(), path
    assert [path for path in DRAWS if "import secrets" not in (PACKAGE / path).read_text()] == []


@pytest.mark.parametrize(
    "planted",
    [
        "import pickle",
        "def f():\n    from marshal import loads",
        "import random",
        "from uuid import uuid4",
        "import uuid",
        "import secrets",
        "eval(text)",
        "exec(text, {})",
        "os.system(text)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_a_weapon_is_found(planted: str) -> None:
    assert list(weapons("x.py", ast.parse(planted)))


@pytest.mark.parametrize(
    "planted",
    ["token == other", "a != held.signature", "one.reveal() == two", "row.get('token') != given"],
)
def test_a_comparison_that_can_be_timed_is_found(planted: str) -> None:
    assert list(timed("x.py", ast.parse(planted)))


def test_a_kind_of_secret_is_no_secret() -> None:
    for planted in ("kind == 'password'", "self.token == 'jwe'", "len(token) == 3"):
        assert not list(timed("x.py", ast.parse(planted)))


@pytest.mark.proves("asvs:6.4.2")
def test_nothing_is_kept_that_helps_to_guess_a_password() -> None:
    """No column, field or setting is a hint, or a question whose answer others know."""
    pattern = re.compile(r"(?<!login_)hint|secret_question|security_question|maiden")
    for module in modules():
        if module.path.startswith(("effects/", "stores/", "service/", "account", "settings")):
            for node in ast.walk(module.tree):
                name = getattr(node, "arg", None) or getattr(node, "attr", None)
                target = getattr(node, "target", None)
                name = target.id if isinstance(target, ast.Name) else name
                assert not (isinstance(name, str) and pattern.search(name)), (module.path, name)
