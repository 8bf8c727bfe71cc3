"""What goes into the page's head: all scripts inlined, and where Plotly lies. Nothing comes from the network."""

import json
from pathlib import Path

import gradio as gr
import plotly

ASSETS = Path(__file__).resolve().parents[1] / "assets"
TOKENS = ASSETS / "css" / "tokens.css"
PLOTLY = Path(plotly.__file__).resolve().parent / "package_data" / "plotly.min.js"


def head() -> str:
    """All scripts of `assets/js` by path, one element each, and the colours.

    Plotly is served from here and loaded when needed. The colours are not in `css`, since Gradio rewrites that and
    loses what depends on the system's wishes.
    """
    gr.set_static_paths([PLOTLY])
    address = json.dumps(f"/gradio_api/file={PLOTLY.as_posix()}")
    first = f"window.Gatelight = window.Gatelight || {{}}; Gatelight.plotlyAddress = {address};"
    scripts = [first] + [path.read_text(encoding="utf-8") for path in sorted((ASSETS / "js").rglob("*.js"))]
    colours = f"<style>{TOKENS.read_text(encoding='utf-8')}</style>"
    return "\n".join([colours, *(f"<script>{script}</script>" for script in scripts)])


def css() -> str:
    """All of `assets/css` but the colours, as one text."""
    files = sorted(path for path in TOKENS.parent.glob("*.css") if path != TOKENS)
    return "\n".join(path.read_text(encoding="utf-8") for path in files)
