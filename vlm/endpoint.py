"""Which address a model may be asked at: `https` anywhere that the site says, `http` on this machine, no secret in it.

A prompt holds notes and a request holds a key, so neither crosses a network in the open. Asked when the site's list is
read, and again by the backend, whoever made its spec.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit


def fault_of(endpoint: str) -> str:
    """Why the endpoint must not be asked, with the way out; "" when it may. The address is not quoted.

    >>> fault_of("https://gpu.hospital.example:8443/v1")
    ''
    >>> fault_of("http://10.0.0.7:8000/v1")
    'a prompt holds notes, so only this machine is asked without TLS: use https, or 127.0.0.1'
    """
    url = _split(endpoint)
    if url.scheme not in ("http", "https") or not url.hostname:
        return "the endpoint is no URL with a host: write it as https://HOST:PORT/v1"
    if "@" in url.netloc or url.query or url.fragment:
        return "the endpoint holds more than a host and a path: name the variable of its key in key_variable"
    if url.scheme == "http" and not _is_this_machine(url.hostname):
        return "a prompt holds notes, so only this machine is asked without TLS: use https, or 127.0.0.1"
    return ""


def _split(endpoint: str) -> SplitResult:
    """The URL's parts; all empty where it is none, or its port is."""
    nothing = SplitResult("", "", "", "", "")
    if " " in endpoint or not endpoint.isprintable():  # parsers disagree about these
        return nothing
    try:
        url = urlsplit(endpoint)
        return nothing if url.port == 0 else url
    except ValueError:
        return nothing


def _is_this_machine(host: str) -> bool:
    """Whether a host is a loopback address; names but "localhost" may mean any machine.

    >>> [_is_this_machine(host) for host in ("127.0.0.1", "::1", "localhost", "10.0.0.7", "localhost.example")]
    [True, True, True, False, False]
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
