"""The pages in a real browser: from disk, without a network, without complaints.

Chromium is looked for on PATH. Without it these tests are skipped; with SUANHENG_REQUIRE_BROWSER=1 they fail instead.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--enable-logging=stderr",
    "--v=0",
    # Every name resolves to nothing, and what is left goes to a port where nobody listens.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=127.0.0.1:9",
)


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        return found
    message = f"no browser on PATH (looked for {', '.join(BROWSERS)}); on Debian: apt-get install chromium"
    if os.environ.get("SUANHENG_REQUIRE_BROWSER") == "1":
        pytest.fail(message)
    pytest.skip(message)


def _open(browser: str, page: Path, profile: Path) -> tuple[str, list[str]]:
    """Load a page; return the document after loading, and what the console said."""
    run = subprocess.run(
        [browser, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    return run.stdout, re.findall(r".*CONSOLE.*", run.stderr)


@pytest.mark.parametrize(
    ("page", "language", "headings"),
    [
        ("langfang/2023Q2.zh.html", "zh-CN", ["廊坊智算中心", "五个维度", "指标", "历期变化", "政策目标", "能源对账"]),
        ("guian/2023Q2.en.html", "en", ["Gui'an AI Computing Centre", "The five dimensions", "Policy targets"]),
        ("hostile/2023Q2.zh.html", "zh-CN", ["&lt;script&gt;alert(1)&lt;/script&gt;"]),
        ("compare/2023Q2.en.html", "en", ["2023 Q2", "Dimensions side by side"]),
        ("index.zh.html", "zh-CN", ["人工智能算力中心评分卡总览", "分期对比"]),
    ],
)
def test_a_page_opens_from_disk_without_a_complaint(
    browser: str, reports: Path, tmp_path: Path, page: str, language: str, headings: list[str]
) -> None:
    document, complaints = _open(browser, reports / page, tmp_path)
    assert complaints == []
    assert f'<html lang="{language}">' in document
    found = re.findall(r"<h[12][^>]*>([^<]*)", document)
    for heading in headings:
        assert heading in [text.strip() for text in found]


def test_the_browser_reports_what_a_page_may_not_do(browser: str, tmp_path: Path) -> None:
    """The check above would notice: a page that asks for a script from outside does complain."""
    page = tmp_path / "bad.html"
    page.write_text(
        '<!doctype html><title>x</title><script src="http://127.0.0.1:9/x.js"></script><script>y()</script>'
    )
    _, complaints = _open(browser, page, tmp_path / "profile")
    assert complaints
