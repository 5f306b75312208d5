"""The privacy guard: where notes may go, decided before the first request leaves.

Loopback is always allowed, a host on the list of private hosts too, anything else only with ``allow_remote = true``
and over https. Redirects are never followed and proxy variables of the environment are not read (`chat_client`), so
notes go to the host that was checked or nowhere.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from wasabi import msg

from clinical_distilled.errors import InputError


@dataclass(frozen=True)
class Destination:
    """Where a teacher sends notes, and whether it may.

    Attributes
    ----------
    base_url : str
        The server's address.
    allow_remote : bool
        Whether the host may lie outside the building.
    private_hosts : sequence of str
        Host names, addresses or networks (``10.20.0.0/16``) inside the building.
    proxy : str or None
        A proxy to go through; it has to pass the same checks, unless the server is remote anyway.
    """

    base_url: str
    allow_remote: bool = False
    private_hosts: Sequence[str] = ()
    proxy: str | None = None

    def check(self) -> None:
        """Refuse a destination that is not allowed.

        Raises
        ------
        InputError
            Names the host and what to set.
        """
        host = host_of(self.base_url)
        if not self.is_private:
            self._check_remote(host)
        if self.proxy and not self.allow_remote and not self._inside(host_of(self.proxy)):
            raise InputError(f"The proxy {host_of(self.proxy)} is not a private host: notes would leave through it.")

    def announce(self, what: str) -> None:
        """Print one line that says what goes where, if it leaves the building."""
        if not self.is_private:
            through = f" through the proxy {host_of(self.proxy)}" if self.proxy else ""
            msg.warn(f"{what} are sent to {host_of(self.base_url)}{through} (allow_remote = true).")

    @property
    def is_private(self) -> bool:
        """Whether the server is this machine or on the list of private hosts."""
        return self._inside(host_of(self.base_url))

    def _check_remote(self, host: str) -> None:
        if not self.allow_remote:
            raise InputError(
                f"Notes would be sent to {host}, which is neither this machine nor a listed private host. Nothing was "
                "sent. If it is in your building, add it to private_hosts; if notes may leave, set allow_remote = true."
            )
        if urlsplit(self.base_url).scheme != "https":
            raise InputError(f"Notes would be sent to {host} in the clear. Nothing was sent. Use https.")

    def _inside(self, host: str) -> bool:
        address = _address(host)
        if host == "localhost" or (address is not None and address.is_loopback):
            return True
        for listed in self.private_hosts:
            network = _network(listed)
            if listed.lower().rstrip(".") == host or (address and network and address in network):
                return True
        return False


def host_of(url: str) -> str:
    """Return the host of a URL, in lower case.

    Raises
    ------
    InputError
        If it is no http(s) URL, or hides its host behind a user name.
    """
    parts = urlsplit(url)
    # A backslash or white space is where parsers disagree about which part is the host.
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or "@" in parts.netloc
        or set(url) & set("\\ \t\r\n")
    ):
        raise InputError(
            f"{parts.scheme}://...: not an address of the form http(s)://host:port/path without a user name."
        )
    return parts.hostname.lower().rstrip(".")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    # ::ffff:8.8.8.8 is 8.8.8.8
    return getattr(address, "ipv4_mapped", None) or address


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
