from __future__ import annotations

import json
import ssl
from datetime import UTC, datetime, timedelta

import pytest

from cases.draft import FailureKind
from vlm.backends.bounded_http import Address, ask
from vlm.backends.openai_server import OpenAIServer, completions_url
from vlm.errors import BackendError, ModelLoadError


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_host_is_not_followed(serve, chat, status):
    other = serve(chat.saying(chat.completion("Clear.")))
    elsewhere = f"http://localhost:{other.server_port}/v1/chat/completions"
    server = serve(chat.echoing(status, Location=elsewhere))
    with pytest.raises(BackendError, match="points elsewhere, which is not followed") as caught:
        chat.answered(server)
    assert "localhost" not in str(caught.value)  # an address of the server's choosing is not repeated
    assert (len(server.asked), other.asked) == (1, [])


def test_the_environment_chooses_no_proxy(serve, chat, monkeypatch):
    proxy, server = serve(chat.echoing(500)), serve(chat.saying(chat.completion("Clear.")))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server_port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert chat.answered(server).text == "Clear."
    assert (len(server.asked), proxy.asked) == (1, [])


def test_no_cookie_is_carried_from_one_case_to_the_next(serve, chat):
    body = json.dumps(chat.completion("Clear.")).encode()
    server = serve(chat.writing(body, Set_Cookie="case=1"))
    backend = OpenAIServer(chat.spec_at(server.endpoint))
    for _ in range(2):
        backend.answer(image=None, prompt=chat.PROMPT)
    assert [headers.get("Cookie") for _, headers, _ in server.asked] == [None, None]


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [
        ("http://10.0.0.5:8000/v1", "only this machine is asked without TLS"),
        ("http://gpu.hospital.example/v1", "only this machine is asked without TLS"),
        ("http://localhost.example/v1", "only this machine is asked without TLS"),  # a name that begins like ours
        ("ftp://127.0.0.1/v1", "no URL with a host"),
        ("file:///etc/passwd", "no URL with a host"),
        ("127.0.0.1:8000/v1", "no URL with a host"),  # no scheme
        ("https://user:pw@gpu.example/v1", "more than a host and a path"),
        ("https://gpu.example/v1?key=sk-1", "more than a host and a path"),
        ("https://gpu.example/v1#part", "more than a host and a path"),
        ("https://gpu.example:0/v1", "no URL with a host"),
        ("https:///v1", "no URL with a host"),
        ("", "no URL with a host"),
        ("https://gpu one.example/v1", "no URL"),
        ("https://gpu\x00.example/v1", "no URL"),
        ("http://127.0.0.1\t.gpu.example/v1", "no URL"),  # one parser drops the tab, another may not
        ("http://127.0.0.1\\@gpu.example/v1", "more than a host"),
        ("https://💤.example/v1", "no URL"),  # the client takes no such name
        ("https://gpu.example:port/v1", "no URL with a host"),
    ],
)
def test_an_endpoint_that_must_not_be_asked_is_refused_before_anything_is_sent(chat, endpoint, says):
    with pytest.raises(ModelLoadError, match=says) as caught:
        OpenAIServer(chat.spec_at(endpoint, key_variable=None))
    assert "pw" not in str(caught.value)
    assert "sk-1" not in str(caught.value)


@pytest.mark.parametrize(
    "endpoint", ["https://gpu.hospital.example/v1", "http://localhost:8000/v1", "http://[::1]:8000/v1"]
)
def test_an_endpoint_that_may_be_asked(chat, endpoint):
    assert completions_url(chat.spec_at(endpoint)) == endpoint + "/chat/completions"


def test_a_model_of_this_machine_is_never_asked_over_a_network(scripted):
    with pytest.raises(ModelLoadError, match="only a server that the site listed"):
        OpenAIServer(scripted.SPEC)


@pytest.mark.parametrize(
    "key",
    [
        None,  # not set
        "",
        "   ",
        "sk-two words",
        "sk-line\nbreak",  # would be a header of its own
        "sk-schlüssel",
    ],
)
def test_a_key_that_cannot_be_sent_is_refused_by_the_name_of_its_variable(chat, key, monkeypatch):
    monkeypatch.delenv(chat.VARIABLE, raising=False)
    if key is not None:
        monkeypatch.setenv(chat.VARIABLE, key)
    with pytest.raises(ModelLoadError, match=chat.VARIABLE) as caught:
        OpenAIServer(chat.spec_at("http://127.0.0.1:9/v1"))
    assert "sk-" not in str(caught.value)


def test_the_key_is_in_no_representation(serve, chat):
    backend = OpenAIServer(chat.spec_at(serve(chat.hanging).endpoint))
    shown = repr(backend) + repr(backend.spec) + repr(backend._address)
    assert chat.KEY not in shown


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that nobody has signed but itself; the path of the file with its key."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "server.pem"
    path.write_bytes(secret + made.public_bytes(pem))
    return path


def secured(server, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server.endpoint.replace("http:", "https:")


def test_a_certificate_that_nobody_vouches_for_is_refused(serve, chat, certificate, monkeypatch):
    server = serve(chat.saying(chat.completion("Clear.")))
    endpoint = secured(server, certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # the environment does not widen whom we trust
    with pytest.raises(BackendError, match=r"certificate of 127.0.0.1:[0-9]+ does not hold") as caught:
        OpenAIServer(chat.spec_at(endpoint), limits=chat.PATIENT).answer(image=None, prompt=chat.PROMPT)
    assert caught.value.kind is FailureKind.CRASH
    assert server.asked == []


def test_a_certificate_of_a_trusted_authority_holds(serve, chat, certificate):
    server = serve(chat.saying(chat.completion("Clear.")))
    url = secured(server, certificate) + "/chat/completions"
    address = Address(url, {}, ssl.create_default_context(cafile=certificate))
    reply = ask(address, b"{}", limits=chat.PATIENT)
    assert json.loads(reply.body)["choices"][0]["message"]["content"] == "Clear."
