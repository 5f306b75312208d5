"""The privacy guard: notes go to this machine, a listed host, or nowhere."""

import pytest

from clinical_distilled.errors import InputError
from clinical_distilled.teachers.guard import Destination, host_of


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000/v1",
        "http://LOCALHOST./v1",
        "http://127.0.0.1:11434/v1",
        "http://127.9.9.9/v1",
        "http://[::1]:8000/v1",
        "http://[::ffff:127.0.0.1]/v1",
    ],
)
def test_this_machine_is_allowed(url):
    Destination(url).check()


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://127.0.0.1.example.com/v1",
        "http://localhost.example.com/v1",
        "http://2130706433/v1",
        "http://0x7f000001/v1",
        "http://10.0.0.5/v1",
        "http://[::ffff:8.8.8.8]/v1",
        "http://0.0.0.0/v1",
    ],
)
def test_anywhere_else_is_refused_by_name(url):
    with pytest.raises(InputError, match="neither this machine nor a listed private host") as error:
        Destination(url).check()

    assert host_of(url) in str(error.value)


@pytest.mark.parametrize(
    "url",
    ["http://localhost@example.com/v1", "http://example.com\\@localhost/", "ftp://localhost/", "localhost:8000", ""],
)
def test_an_address_that_hides_its_host_is_refused(url):
    with pytest.raises(InputError, match="not an address"):
        Destination(url).check()


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("http://gpu01.hospital.lan:8000/v1", "gpu01.hospital.lan"),
        ("http://GPU01.hospital.lan/v1", "gpu01.HOSPITAL.lan"),
        ("http://10.20.3.4/v1", "10.20.0.0/16"),
        ("http://10.20.3.4/v1", "10.20.3.4"),
    ],
)
def test_a_listed_private_host_is_allowed(url, listed):
    Destination(url, private_hosts=[listed]).check()


@pytest.mark.parametrize("listed", ["hospital.lan", "10.20.0.0/16", "*"])
def test_a_host_beside_the_list_is_refused(listed):
    with pytest.raises(InputError, match=r"gpu01\.hospital\.lan"):
        Destination("http://gpu01.hospital.lan/v1", private_hosts=[listed]).check()


def test_a_remote_host_needs_leave_and_https_and_is_announced(capsys):
    allowed = Destination("https://api.openai.com/v1", allow_remote=True)

    allowed.check()
    allowed.announce("gpt-4o: notes")

    assert "gpt-4o: notes are sent to api.openai.com" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"api\.openai\.com in the clear"):
        Destination("http://api.openai.com/v1", allow_remote=True).check()


def test_a_private_host_is_not_announced(capsys):
    Destination("http://localhost/v1", allow_remote=True).announce("notes")

    assert not capsys.readouterr().out


def test_a_remote_proxy_of_a_private_server_is_refused():
    with pytest.raises(InputError, match=r"proxy\.example\.com"):
        Destination("http://localhost/v1", proxy="http://proxy.example.com:3128").check()
