"""One question to one HTTP server, bounded in time and size: what `vlm.backends.openai_server` asks through.

It reaches the address that it is given and no other: redirects are not followed, and neither proxies nor passwords are
taken from the environment. TLS is verified against this machine's trust store. It knows no protocol above HTTP.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx2

from cases.draft import FailureKind
from vlm.errors import BackendError, ModelLoadError

AGAIN: Final = (502, 503)  # a gateway that lost its server, or a server that is starting: nothing was answered
OK: Final = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """What one question may cost.

    Attributes:
        connect_s: seconds until the server takes the connection.
        total_s: seconds for everything, a second attempt included; below the deadline of `vlm.supervised` for a site's
            model, so that the failed draft says what the server did.
        most_bytes: of the reply's body.
        pause_s: seconds before the second attempt.
    """

    connect_s: float = 5.0
    total_s: float = 120.0
    most_bytes: int = 4 << 20
    pause_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Address:
    """Who is asked.

    Attributes:
        url: nothing else is reached.
        headers: sent beside those of HTTP itself; a key among them, so they are in no representation.
        trust: which certificates hold; reading them takes a tenth of a second, so it is done once.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    trust: ssl.SSLContext = field(repr=False)

    @property
    def host(self) -> str:
        """Host and port, for messages."""
        return httpx2.URL(self.url).netloc.decode("ascii")


def address_of(url: str, headers: Mapping[str, str]) -> Address:
    """The address, with this machine's trusted authorities, whatever the environment names; none for plain HTTP.

    Raises:
        ModelLoadError: the client takes no such URL.
    """
    try:
        secure = httpx2.URL(url).scheme == "https"
    except httpx2.InvalidURL:
        msg = "the endpoint is no URL: write it as https://HOST:PORT/v1, in plain characters"
        raise ModelLoadError(msg) from None
    trust = httpx2.create_ssl_context(trust_env=False) if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return Address(url, headers, trust)


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, and the body of a 200; other bodies are not even read, since an error page may quote the question."""

    status: int
    body: bytes = b""


class _NoReplyError(Exception):
    """The connection broke before the server began to answer: it may be asked again."""


def ask(address: Address, question: bytes, *, limits: Limits) -> Reply:
    """Post a question and read the reply; once more, and only once, where no reply had begun or the status is 502, 503.

    Args:
        address: who is asked.
        question: the body, sent as it is.
        limits: of time and size.

    Raises:
        BackendError: no connection, a broken one, too slow, too large. The text quotes neither question nor reply.
    """
    try:
        return asyncio.run(_bounded(address, question, limits=limits))
    except (TimeoutError, httpx2.TimeoutException):
        msg = (
            f"no whole answer from {address.host} within its {limits.total_s:g} s ({limits.connect_s:g} s to connect): "
            "draft again, look at the server's load, or read without a draft"
        )
        raise BackendError(FailureKind.TIMEOUT, msg) from None
    except _NoReplyError:
        msg = f"{address.host} was out of reach, or broke off before it answered, twice: start it, then draft again"
        raise BackendError(FailureKind.CRASH, msg) from None


async def _bounded(address: Address, question: bytes, *, limits: Limits) -> Reply:
    """Both attempts within one time limit; a server that drips bytes does not outlast it."""
    async with asyncio.timeout(limits.total_s), _client(address, limits) as client:
        try:
            reply = await _attempt(client, address, question=question, limits=limits)
        except _NoReplyError:
            reply = None
        if reply is not None and reply.status not in AGAIN:
            return reply
        await asyncio.sleep(limits.pause_s)
        return await _attempt(client, address, question=question, limits=limits)


def _client(address: Address, limits: Limits) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        headers={"Accept": "application/json", "Accept-Encoding": "identity", **address.headers},
        timeout=httpx2.Timeout(limits.total_s, connect=limits.connect_s),
        follow_redirects=False,
        verify=address.trust,
        trust_env=False,  # no proxy, no .netrc, no certificates of the environment's choosing
        limits=httpx2.Limits(max_keepalive_connections=0),  # an idle connection breaks when it is used again
    )


async def _attempt(client: httpx2.AsyncClient, address: Address, *, question: bytes, limits: Limits) -> Reply:
    request = client.build_request("POST", address.url, content=question, headers={"Content-Type": "application/json"})
    try:
        response = await client.send(request, stream=True)
    except (httpx2.NetworkError, httpx2.RemoteProtocolError) as fault:
        _refuse_certificate(address, fault)
        raise _NoReplyError from None
    try:
        return await _read(response, limits)
    except (httpx2.NetworkError, httpx2.RemoteProtocolError):
        msg = f"{address.host} broke the connection in the middle of its answer: see the server's log, then draft again"
        raise BackendError(FailureKind.CRASH, msg) from None
    finally:
        await response.aclose()


async def _read(response: httpx2.Response, limits: Limits) -> Reply:
    """The body of a 200, as it came over the wire; a packed one is refused, since it may unpack to any size."""
    if response.status_code != OK:
        return Reply(response.status_code)
    if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        msg = "the server packed its answer though it was asked not to: turn compression off in the gateway before it"
        raise BackendError(FailureKind.CRASH, msg)
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > limits.most_bytes:
            msg = f"the server's answer is over {limits.most_bytes} bytes, the most that is read: see the server's log"
            raise BackendError(FailureKind.CRASH, msg)
    return Reply(OK, bytes(body))


def _refuse_certificate(address: Address, fault: Exception) -> None:
    """A certificate that does not hold is no weather: it is said, and not tried again."""
    if "CERTIFICATE_VERIFY_FAILED" in str(fault):
        msg = f"the certificate of {address.host} does not hold here: add the site's authority to this machine's"
        raise BackendError(FailureKind.CRASH, msg) from None
