"""What an application asks of `Limen`; the signatures and docstrings are those of `Operations`."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from limen.assembly import not_open
from limen.operations import Operations

if TYPE_CHECKING:
    from limen.effects import Flow

P = ParamSpec("P")
R = TypeVar("R")


def _awaited(
    flow: Callable[Concatenate[Operations, P], Flow[R]],
) -> Callable[Concatenate[AwaitedVerbs, P], Coroutine[Any, Any, R]]:
    """Make a method that runs one operation, with its signature and docstring."""

    @functools.wraps(flow)
    async def method(self: AwaitedVerbs, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if not self._opened:
            raise not_open("Limen")
        return await self.run(flow(self._operations, *args, **kwargs))

    return method


class AwaitedVerbs(ABC):
    """The verbs; `Limen` has the rest. `BlockingLimen` has the same ones without await."""

    _opened: bool
    _operations: Operations

    @abstractmethod
    async def run(self, flow: Flow[R]) -> R:
        """Run a flow; public so that your own flows can use the same store and trace."""

    sign_up = _awaited(Operations.sign_up)
    add_account = _awaited(Operations.add_account)
    import_account = _awaited(Operations.import_account)
    admit = _awaited(Operations.admit)
    adopt = _awaited(Operations.adopt)
    dismiss = _awaited(Operations.dismiss)
    sign_in = _awaited(Operations.sign_in)
    sign_in_with_username = _awaited(Operations.sign_in_with_username)
    remember = _awaited(Operations.remember)
    know_device = _awaited(Operations.know_device)
    unlock = _awaited(Operations.unlock)
    recall = _awaited(Operations.recall)
    reissue = _awaited(Operations.reissue)
    refresh = _awaited(Operations.refresh)
    exchange = _awaited(Operations.exchange)
    sign_out = _awaited(Operations.sign_out)
    revoke = _awaited(Operations.revoke)
    sessions = _awaited(Operations.sessions)
    session = _awaited(Operations.session)
    account = _awaited(Operations.account)
    account_by_email = _awaited(Operations.account_by_email)
    accounts = _awaited(Operations.accounts)
    update_account = _awaited(Operations.update_account)
    set_roles = _awaited(Operations.set_roles)
    set_email = _awaited(Operations.set_email)
    sign_in_by_identity = _awaited(Operations.sign_in_by_identity)
    link_identity = _awaited(Operations.link_identity)
    unlink_identity = _awaited(Operations.unlink_identity)
    identities = _awaited(Operations.identities)
    keep_provider_tokens = _awaited(Operations.keep_provider_tokens)
    change_password = _awaited(Operations.change_password)
    verify_password = _awaited(Operations.verify_password)
    reauthenticate = _awaited(Operations.reauthenticate)
    renew = _awaited(Operations.renew)
    require_fresh = _awaited(Operations.require_fresh)
    request_password_reset = _awaited(Operations.request_password_reset)
    is_reset_link = _awaited(Operations.is_reset_link)
    reset_password = _awaited(Operations.reset_password)
    send_verification = _awaited(Operations.send_verification)
    verify_email = _awaited(Operations.verify_email)
    change_email = _awaited(Operations.change_email)
    is_username_available = _awaited(Operations.is_username_available)
    set_username = _awaited(Operations.set_username)
    set_session_fields = _awaited(Operations.set_session_fields)
    delete_own_account = _awaited(Operations.delete_own_account)
    request_deletion = _awaited(Operations.request_deletion)
    delete_by_link = _awaited(Operations.delete_by_link)
    disable = _awaited(Operations.disable)
    enable = _awaited(Operations.enable)
    delete_account = _awaited(Operations.delete_account)
    spend = _awaited(Operations.spend)
    purge = _awaited(Operations.purge)
    credential_counts = _awaited(Operations.credential_counts)
    audit = _awaited(Operations.audit)
    keys = _awaited(Operations.keys)
    rotate_keys = _awaited(Operations.rotate_keys)
    remove_key = _awaited(Operations.remove_key)
    service_token = _awaited(Operations.service_token)
    prove = _awaited(Operations.prove)
