"""The proof of possession that a request carries, and the request as it must describe it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from limen.audit import AuditKind
from limen.dpop import Proof
from limen.effects import record
from limen.transports import BearerTransport, Carrier, DpopTransport
from limen.transports.dpop import proof_in
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.settings import DpopMode
    from limen.transports.base import HeaderLines
    from limen.verdict import Verdict
    from limen.web.asgi import Scope
    from limen.web.request import RequestAuth

NONCE_HEADER = b"dpop-nonce"
_EXPOSED = (b"access-control-expose-headers", b"DPoP-Nonce")


def proof_of(request: RequestAuth) -> Proof | Refused | None:
    """Return the proof that a request carries; `None` if it has none or none are taken.

    The response hands out the nonce that the next proof has to contain, if they need one.
    """
    if request.auth.settings.dpop == "off":
        return None
    text = proof_in(request.headers)
    if text is not None and not any(name == NONCE_HEADER for name, _ in request.outgoing):
        request.outgoing.extend(_nonce(request))
    if not isinstance(text, str):
        return text
    return proof_about(request.scope, text, request.public_origin)


def proof_about(scope: Scope, text: str, origin: str) -> Proof:
    """Return a proof beside the method and the address of the request that carries it.

    The handshake of a WebSocket is a GET of an http address.
    """
    method = scope["method"] if scope["type"] == "http" else "GET"
    return Proof(text, method, f"{origin}{_path(scope)}")


async def proven_key(request: RequestAuth, *, uses_up: bool = True) -> str | Refused | None:
    """Use up the proof that a request carries and return the key, `None` without a proof.

    For requests that present no access token, such as a sign-in. `NONCE_NEEDED`, the other
    reasons and `uses_up` are those of `Limen.prove`.
    """
    proof = proof_of(request)
    if isinstance(proof, Refused):
        return await told(request.auth, proof)
    return None if proof is None else await request.auth.prove(proof, uses_up=uses_up)


def header_transport(dpop: DpopMode) -> BearerTransport:
    """Return what reads `Authorization` under a setting."""
    return BearerTransport() if dpop == "off" else DpopTransport(required=dpop == "require")


async def judge_access(request: RequestAuth, access: str, carrier: Carrier) -> Verdict:
    """Judge a credential; what came by `Authorization: DPoP` never goes without a proof."""
    if carrier is not Carrier.DPOP:
        return await request.auth.authenticate(access)
    proof = proof_of(request)
    if not isinstance(proof, Proof):
        return await told(request.auth, proof or Refused(Reason.UNPROVEN))
    return await request.auth.authenticate(access, proof)


async def told(auth: Limen, refused: Refused) -> Refused:
    """Tell the audit log of a request that is refused before any flow hears of it."""
    proving = refused.reason in (Reason.BAD_PROOF, Reason.UNPROVEN)
    kind = AuditKind.PROOF_REFUSED if proving else AuditKind.CREDENTIAL_REFUSED
    await auth.run(record(kind, reason=refused.reason))
    return refused


def _path(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1") if raw else quote(scope["path"])


def _nonce(request: RequestAuth) -> HeaderLines:
    assembly = request.auth.assembly
    nonces = assembly.parts.proofs.nonces
    if nonces is None:
        return ()
    newest = nonces.current(assembly.clock.now()).encode("ascii")
    return ((NONCE_HEADER, newest), _EXPOSED)
