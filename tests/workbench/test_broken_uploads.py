"""Uploads that break off, on the real server: one sentence, and nothing of them stays."""

import resource
import socket

import pytest

from tests.site import Person, Site
from tests.workbench.test_workbench import wait

MOST = 2**20


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("broken") / "home")
    yield site
    site.close()


@pytest.fixture
def person(site):
    """Who has opened the address that the terminal printed."""
    person = Person(site, address=site.address)
    yield person
    person.client.close()


def halves(site):
    return list(site.home.glob("uploads/*/tmp*"))


@pytest.fixture
def full_disk(site):
    """The server may write no file of more than a mebibyte, as on a disk that has no more room."""
    before = resource.prlimit(site.process.pid, resource.RLIMIT_FSIZE, (MOST, resource.RLIM_INFINITY))
    yield
    resource.prlimit(site.process.pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.fault("killed", "The disk is full while an upload arrives: the page says so, and no half of it stays.")
def test_a_full_disk(site, person, full_disk):
    answer = person.client.post("/gradio_api/upload", files={"files": ("rows.csv", b"x" * 3 * MOST)})
    assert answer.status_code == 507
    english, chinese = answer.text.strip().split("\n")
    assert english.startswith("The upload could not be kept on the server: File too large.")
    assert chinese.startswith("服务器无法保存上传的文件")
    assert not halves(site)
    path = person.upload("few.csv", b"question,answer\na,b\n")
    assert person.fetch(path) == 200
    assert not halves(site)


@pytest.mark.fault("killed", "A tab is closed while its upload arrives: no half of it stays on the server's disk.")
def test_a_closed_tab(site, person):
    host, port = site.url.removeprefix("http://").split(":")
    cookie = "; ".join(f"{name}={value}" for name, value in person.client.cookies.items())
    head = (
        f"POST /gradio_api/upload HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\nContent-Length: {8 * MOST}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="files"; filename="rows.csv"\r\n\r\n'
    )
    with socket.create_connection((host, int(port))) as tab:
        tab.sendall(head.encode() + b"x" * MOST)
        wait(lambda: halves(site))
    wait(lambda: not halves(site))
    assert "Traceback" not in site.home.with_suffix(".log").read_text()
