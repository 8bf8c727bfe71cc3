"""Starts the page: reads the arguments, serves, opens the browser, and keeps the run when it is told to end."""

import argparse
import errno
import gc
import os
import socket
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from app.access.doors import Door, PasswordDoor, PublicDoor, TokenDoor
from app.access.guard import Guard
from app.access.passwords import Passwords
from app.access.policy import LOOPBACK, Policy, cookie_secret, hostname, is_loopback, new_token
from app.access.scratch import Scratch
from app.access.uploads import Uploads
from app.access.visitors import visitor_now
from app.closed_clients import ignore_closed_clients
from app.page import create
from app.server import Server
from engine.core.confine import LOCAL as LOCAL_USER
from engine.core.confine import Confinement
from engine.core.errors import RunError
from engine.core.paths import home
from engine.core.signals import end_within, wait_for_stop_signal
from engine.service.limits import CLASS, SPACE, UNLIMITED
from engine.service.visitor import operator
from engine.service.workbench import Workbench

LOCAL = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::")
PORTS_TRIED = 50
LAST_PORT = 65_535
ENDS_S = 14
"""Seconds after a signal until the process is gone, whatever it is at; what it has not kept by then is lost."""


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
        help="file with one name:password or name:password:role per line, for those who may open the page; other "
        "machines can only reach the page with it. Roles: driver (may do everything), member (starts runs, and stops, "
        "renames, exports and deletes their own; the default), watcher (only looks and asks); where no line names a "
        "driver, the first name is one",
    )
    arguments.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="another name under which the page is opened, as a proxy's (may be repeated)",
    )
    for kind in ("models", "data"):
        arguments.add_argument(
            f"--{kind}", type=Path, action="append", default=[], metavar="DIR",
            help=f"folder whose {'models' if kind == 'models' else 'datasets'} everybody may name where others are let "
            "in; on this machine alone all may be named (may be repeated)",
        )  # fmt: skip
    arguments.add_argument(
        "--runs",
        action="append",
        default=[],
        metavar="URL",
        help="place of runs that other machines train with --mirror, such as s3://bucket/runs: they are shown, stopped "
        "and resumed here, too (may be repeated)",
    )
    arguments.add_argument("--embed", action="store_true", help="let other pages show this one in a frame")
    arguments.add_argument(
        "--watch-only", action="store_true", help="everybody only looks at runs and asks them, as for a projector"
    )
    arguments.add_argument("--no-browser", action="store_true", help="do not open the browser")
    return arguments


def listening(host: str, wanted: int) -> socket.socket:
    """Listens on the wanted port, or on the next one that nobody has; so two servers started at once never share one.

    Ends the process with a sentence where there is none.
    """
    if not 0 < wanted <= LAST_PORT:
        sys.exit(f"--port is {wanted}, but it must be between 1 and {LAST_PORT}.")
    try:
        family, *_, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        sys.exit(f"--host is {host!r}, which is no name or address of this machine: {error.strerror or error}.")
    last = min(wanted + PORTS_TRIED - 1, LAST_PORT)
    for port in range(wanted, last + 1):
        found = socket.socket(family, socket.SOCK_STREAM)
        if os.name == "posix":  # elsewhere it would let several have the same port
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((address[0], port))
            found.listen()
        except OSError as error:
            found.close()
            if error.errno == errno.EADDRNOTAVAIL:
                sys.exit(f"--host is {host!r}, which is no name or address of this machine: {error.strerror}.")
            continue
        return found
    sys.exit(f"No port from {wanted} to {last} is free: choose another with --port.")


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


def door_of(policy: Policy, passwords: Passwords | None, *, on_space: bool) -> Door:
    """How the server knows who asks."""
    if passwords is not None:
        return PasswordDoor(policy, passwords)
    return PublicDoor(policy) if on_space else TokenDoor(policy)


def confinement(host: str, arguments: argparse.Namespace, *, shared: bool) -> Confinement:
    """What the people at the page may name: all of this machine only where nobody but its own user can reach it.

    Args:
        host: Where the server listens.
        arguments: The command line.
        shared: Whether others are let in in any case: it is a Space, or there are passwords, as behind a proxy.
    """
    if is_loopback(host) and not shared:
        return Confinement()
    return Confinement.of_server(arguments.home, arguments.models, arguments.data)


def main(words: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C (or SIGTERM, or SIGHUP); a run that is active then is stopped and kept."""
    arguments = parser().parse_args(words)
    on_space = bool(os.environ.get("SPACE_ID"))
    host = arguments.host or ("0.0.0.0" if on_space else LOCAL)
    with listening(host, arguments.port) as listener:
        serve(arguments, host, listener, on_space=on_space)


def serve(arguments: argparse.Namespace, host: str, listener: socket.socket, *, on_space: bool) -> None:
    """Serve at a socket that listens, until a signal tells to end."""
    port = listener.getsockname()[1]
    try:
        policy, passwords = access(arguments, host, port, on_space=on_space)
    except ValueError as error:
        sys.exit(str(error))
    confined = confinement(host, arguments, shared=on_space or passwords is not None)
    alone = confined == LOCAL_USER
    public = on_space and passwords is None
    limits = UNLIMITED if alone else SPACE if public else CLASS
    who = operator if alone else visitor_now
    try:
        workbench = Workbench(
            arguments.home, confined, who, limits, watch_only=arguments.watch_only, places=arguments.runs
        )
    except RunError as error:
        sys.exit(f"--runs: {error}")
    ignore_closed_clients()
    scratch = Scratch.of(arguments.home)
    uploads = Uploads(scratch.path, limits.uploaded_bytes, limits.all_uploaded_bytes)
    door = door_of(policy, passwords, on_space=on_space)
    most, left = (limits.all_pages, limits.all_requests), workbench.left
    server = Server(create(workbench), host, listener, lambda site: Guard(site, policy, door, uploads, *most, left))
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
    wait_for_stop_signal()
    end_within(ENDS_S)
    server.stop()
    workbench.close()
    server.close()
    scratch.close()
