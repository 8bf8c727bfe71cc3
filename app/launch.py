"""Starts the page: reads the arguments, serves, opens the browser, and keeps the run when it is told to end."""

import argparse
import gc
import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from app.access.passwords import Passwords
from app.access.policy import LOOPBACK, Policy, cookie_secret, hostname, is_loopback, new_token
from app.closed_clients import ignore_closed_clients
from app.page import create
from app.server import Server
from engine.core.confine import Confinement
from engine.core.paths import home
from engine.core.signals import STOP_SIGNALS, ignored_hangup
from engine.service.workbench import Workbench

LOCAL = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::")
PORTS_TRIED = 50


def parser() -> argparse.ArgumentParser:
    """The command line of `python app.py`."""
    arguments = argparse.ArgumentParser(prog="app.py", description="Gatelight: see fine-tuning happen.")
    arguments.add_argument("--host", default="", help=f"address to listen on (default: {LOCAL}, this machine only)")
    arguments.add_argument("--port", type=int, default=7860, help="port, or the next free one (default: 7860)")
    arguments.add_argument(
        "--home", type=Path, default=home(), help="folder that keeps the runs (default: %(default)s)"
    )
    arguments.add_argument(
        "--auth",
        type=Path,
        metavar="FILE",
        help="file with one name:password per line, for those who may open the page; other machines can only reach "
        "the page with it",
    )
    arguments.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="another name under which the page is opened, as a proxy's (may be repeated)",
    )
    arguments.add_argument("--embed", action="store_true", help="let other pages show this one in a frame")
    arguments.add_argument("--no-browser", action="store_true", help="do not open the browser")
    return arguments


def free_port(host: str, wanted: int) -> int:
    """The wanted port, or the next one that nobody listens on."""
    for port in range(wanted, wanted + PORTS_TRIED):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    sys.exit(f"No port from {wanted} to {wanted + PORTS_TRIED - 1} is free: choose another with --port.")


def access(arguments: argparse.Namespace, host: str, port: int, *, on_space: bool) -> tuple[Policy, Passwords | None]:
    """What the server lets in: on this machine whoever has the token, from elsewhere whoever has a password.

    A Space is public, and shown in a frame of its site.

    Raises:
        ValueError: Other machines could reach the page without a password, or the file of passwords is wrong.
    """
    passwords = Passwords(arguments.auth) if arguments.auth else None
    if not (is_loopback(host) or on_space or passwords):
        raise ValueError(
            f"--host {host}: other machines could reach the page, and with it this machine's files: name a file of "
            f"passwords with --auth, or leave --host out to listen on {LOCAL} only."
        )
    names = [host.strip("[]"), socket.gethostname(), os.environ.get("SPACE_HOST", "")]
    hosts = {name.lower() for name in (*names, *map(hostname, arguments.allow_host)) if name}
    policy = Policy(
        hosts=LOOPBACK | hosts,
        origins=frozenset(name.lower() for name in arguments.allow_host),
        numeric=not is_loopback(host),
        token="" if passwords or on_space else new_token(),
        cookie=f"gatelight-{port}",
        secret=cookie_secret(arguments.home),
        embed=arguments.embed or on_space,
    )
    return policy, passwords


def confinement(host: str, home: Path, *, shared: bool) -> Confinement:
    """What the people at the page may name: all of this machine only where nobody but its own user can reach it.

    Args:
        host: Where the server listens.
        home: The workbench's folder.
        shared: Whether others are let in in any case: it is a Space, or there are passwords, as behind a proxy.
    """
    return Confinement() if is_loopback(host) and not shared else Confinement.of_server(home)


def main(words: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C (or SIGTERM, or SIGHUP); a run that is active then is stopped and kept."""
    arguments = parser().parse_args(words)
    on_space = bool(os.environ.get("SPACE_ID"))
    host = arguments.host or ("0.0.0.0" if on_space else LOCAL)
    port = free_port(host, arguments.port)
    try:
        policy, passwords = access(arguments, host, port, on_space=on_space)
    except ValueError as error:
        sys.exit(str(error))
    workbench = Workbench(arguments.home, confinement(host, arguments.home, shared=on_space or passwords is not None))
    ignore_closed_clients()
    server = Server(create(workbench), policy, host, port, passwords)
    server.start()
    workbench.warm_up()
    gc.freeze()
    gc.enable()
    name = "localhost" if host in EVERYWHERE else host
    address = f"http://{name}:{port}/" + (f"?token={policy.token}" if policy.token else "")
    sys.stdout.write(f"Gatelight is at {address} (Ctrl-C ends it; a run is kept)\n")
    sys.stdout.flush()
    if not (arguments.no_browser or on_space):
        webbrowser.open(address)
    ended = threading.Event()
    for number in STOP_SIGNALS:
        if not ignored_hangup(number):
            signal.signal(number, lambda *_: ended.set())
    ended.wait()
    server.close()
    workbench.close()
