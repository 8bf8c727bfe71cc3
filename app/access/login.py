"""The form for a name and a password, in all languages of the page at once."""

from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from app.markup import safe

MOST_BYTES = 4096
SAYS = {
    "": "",
    "wrong": "The name or the password is wrong. · 名称或密码不对。",
    "wait": "Too many attempts: wait {seconds} seconds, then try again. · 尝试太多：请等待 {seconds} 秒再试。",
}
NOT_LOGGED_IN = "Log in on the page first.\n请先在页面上登录。\n"
_FORM = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Gatelight</title>
<meta name="viewport" content="width=device-width">
<style>:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
form {{ max-width: 20rem; margin: 20vh auto 0; padding: 0 1rem; display: grid; gap: .75rem }}
input, button {{ font: inherit; padding: .5rem; width: 100%; box-sizing: border-box }}
h1 {{ font-size: 1.25rem; margin: 0 }} p {{ margin: 0; min-height: 1.5em }}</style>
<main><form method="post" action="./login"><h1>Gatelight</h1>
<label>Name · 名称<input name="username" autocomplete="username" required autofocus></label>
<label>Password · 密码<input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in · 登录</button><p role="alert">{said}</p></form></main></html>"""


def form(key: str = "", status: int = 401, **values: object) -> Response:
    """The form, and below it what was wrong; a key of `SAYS`."""
    answer = HTMLResponse(_FORM.format(said=safe(SAYS[key].format(**values))), status)
    answer.headers["Cache-Control"] = "no-store"
    if "seconds" in values:
        answer.headers["Retry-After"] = str(values["seconds"])
    return answer


def asked(headers: Headers) -> Response:
    """What somebody gets who is not known: a browser the form, anything else a sentence."""
    return form() if "text/html" in headers.get("accept", "") else PlainTextResponse(NOT_LOGGED_IN, 401)


def read(body: bytes) -> tuple[str, str]:
    """Name and password of a form that was sent.

    Raises:
        ValueError: They are not in it.
    """
    values = parse_qs(body.decode(), strict_parsing=True, max_num_fields=10)
    try:
        return values["username"][0].strip(), values["password"][0]
    except KeyError as error:
        raise ValueError("no name or no password") from error
