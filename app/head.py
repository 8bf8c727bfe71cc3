"""What goes into the page's head, and the routes that serve its scripts. Nothing comes from the network."""

import functools
import hashlib
from pathlib import Path

import plotly
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from app.client_progress import progress_script

ASSETS = Path(__file__).resolve().parents[1] / "assets"
MODULES = ASSETS / "js"
TOKENS = ASSETS / "css" / "tokens.css"
PLOTLY = Path(plotly.__file__).resolve().parent / "package_data" / "plotly.min.js"
EARLY_CLICK = """
addEventListener("click", (event) => {
  const tab = event.target.closest?.("[data-tab]");
  if (tab) sessionStorage.setItem("gatelight.tab", tab.dataset.tab);
}, true);
"""
"""Remembers a tab that is clicked before the modules are there: `header.js` opens it when it mounts."""
LARGE = """
try {
  const asked = new URLSearchParams(location.search).get("large");
  if (asked !== null) localStorage.setItem("gatelight.large", asked === "0" ? "" : "1");
  if (localStorage.getItem("gatelight.large")) document.documentElement.dataset.large = "";
} catch { /* a browser that keeps nothing */ }
"""
"""The large mode, before anything is painted: as the address asks (`?large=1` or `?large=0`), else as it was left."""
FORM_WAITS = """
try {
  if (sessionStorage.getItem("gatelight.form")) document.documentElement.dataset.formWaits = "";
  Gatelight.ready.then(({ keptForm }) => keptForm.settled()).then(() => {
    delete document.documentElement.dataset.formWaits;
  });
} catch { /* a browser that keeps nothing */ }
"""
"""Marks a page whose form a kept one is about to replace, from before anything of it is painted until that is back."""
KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}
"""A browser may keep a script forever: its address changes with its content."""


def head() -> str:
    """The colours, and a script that loads `assets/js/main.js` with all that it imports.

    The colours are not in `css`, since Gradio rewrites that and loses what depends on the system's wishes. Modules load
    beside the page, so a component may be there before them: what the page calls stands behind the promise
    `Gatelight.ready`, which resolves to the exports of `main.js`. Only what keeps the answers of events is asked for
    alone, to be there before Gradio's client has its first one. Addresses are relative to the page, whatever the path
    that it is served under.
    """
    colours = f"<style>{TOKENS.read_text(encoding='utf-8')}</style>"
    early = [f'<link rel="modulepreload" fetchpriority="low" href="{address()}/{name}">' for name in modules()]
    surface = f"globalThis.Gatelight = Object.freeze({{ ready: {_imported('main.js')} }});"
    events = f"{_imported('common/event_stream.js')}.then(({{ keepAnswers }}) => keepAnswers(globalThis));"
    script = f"{events}{surface}{EARLY_CLICK}{LARGE}{FORM_WAITS}{progress_script()}"
    return "\n".join([colours, *early, f"<script>{script}</script>"])


def _imported(name: str) -> str:
    return f'import(new URL("{address()}/{name}", document.baseURI))'


def css() -> str:
    """All of `assets/css` but the colours, as one text."""
    files = sorted(path for path in TOKENS.parent.glob("*.css") if path != TOKENS)
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@functools.cache
def modules() -> dict[str, bytes]:
    """The modules by their path in `assets/js`, read once: a running page never mixes old files with new ones."""
    return {path.relative_to(MODULES).as_posix(): path.read_bytes() for path in sorted(MODULES.rglob("*.js"))}


@functools.cache
def address() -> str:
    """Path of the scripts, relative to the page; another one whenever a script has changed."""
    digest = hashlib.sha256(plotly.__version__.encode())
    for name, source in modules().items():
        digest.update(f"\n{name}\n".encode() + source)
    return f"gatelight/{digest.hexdigest()[:16]}"


def routes() -> list[BaseRoute]:
    """Serve what the head refers to, the modules and Plotly: `routes` among the `app_kwargs` of `launch`."""

    async def module(request: Request) -> Response:
        source = modules().get(request.path_params["name"])
        if source is None:
            return Response(status_code=404)
        return Response(source, media_type="text/javascript", headers=KEPT)

    async def plotly_script(_: Request) -> Response:
        return FileResponse(PLOTLY, media_type="text/javascript", headers=KEPT)

    return [Route(f"/{address()}/plotly.min.js", plotly_script), Route(f"/{address()}/{{name:path}}", module)]
