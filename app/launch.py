"""Starts the page: reads the arguments, serves, opens the browser, and keeps the run when it is told to end."""

import argparse
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from app.closed_clients import ignore_closed_clients
from app.head import css, head, routes
from app.page import create
from engine.core.confine import Confinement
from engine.core.paths import home
from engine.service.workbench import Workbench

LOCAL = "127.0.0.1"
PORTS_TRIED = 50
UPLOAD_LIMIT = "200mb"


def parser() -> argparse.ArgumentParser:
    """The command line of `python app.py`."""
    arguments = argparse.ArgumentParser(prog="app.py", description="Gatelight: see fine-tuning happen.")
    arguments.add_argument("--host", default="", help=f"address to listen on (default: {LOCAL}, this machine only)")
    arguments.add_argument("--port", type=int, default=7860, help="port, or the next free one (default: 7860)")
    arguments.add_argument(
        "--home", type=Path, default=home(), help="folder that keeps the runs (default: %(default)s)"
    )
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


def confinement(host: str, home: Path, *, on_space: bool) -> Confinement:
    """What the people at the page may name: all of this machine only where nobody but its own user can reach it."""
    try:
        loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        loopback = False
    return Confinement() if loopback and not on_space else Confinement.of_server(home)


def main(words: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C (or SIGTERM); a run that is active then is stopped and kept."""
    arguments = parser().parse_args(words)
    on_space = bool(os.environ.get("SPACE_ID"))
    host = arguments.host or ("0.0.0.0" if on_space else LOCAL)
    workbench = Workbench(arguments.home, confinement(host, arguments.home, on_space=on_space))
    page = create(workbench)
    ignore_closed_clients()
    page.launch(
        server_name=host,
        server_port=free_port(host, arguments.port),
        inbrowser=not (arguments.no_browser or on_space),
        prevent_thread_lock=True,
        quiet=True,
        run_history=False,
        footer_links=[],
        max_file_size=UPLOAD_LIMIT,
        head=head(),
        css=css(),
        app_kwargs={"routes": routes()},
    )
    workbench.warm_up()
    gc.freeze()
    gc.enable()
    sys.stdout.write(f"Gatelight is at {page.local_url} (Ctrl-C ends it; a run is kept)\n")
    sys.stdout.flush()
    ended = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
    page.close(verbose=False)
    workbench.close()
