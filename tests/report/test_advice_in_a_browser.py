"""The page of an advice in a real browser: the verdict within the first view, nothing too wide, nothing fetched."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sample_advice import facts, of_kind, written

from headstart.report import advice

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SIZES = {"a desktop": (1280, 800), "a phone": (390, 844)}
MEASURE = """<script>addEventListener("load", () => {
  const box = (id) => { const one = document.getElementById(id); return one && one.getBoundingClientRect().toJSON(); };
  const boxes = (kind) => [...document.querySelectorAll(kind)].map((one) => one.getBoundingClientRect());
  parent.postMessage(JSON.stringify({
    wide: document.documentElement.scrollWidth, room: innerWidth, high: innerHeight,
    verdict: box("verdict"), because: box("because"),
    fetched: performance.getEntriesByType("resource").map((one) => one.name),
    drawn: boxes("figure svg").map((one) => one.width),
    letters: boxes("figure svg text").map((one) => Math.max(one.width, one.height)),
  }), "*");
});</script>"""
# a window is never narrower than 500 pixels, a frame in it may be
FRAME = """<!DOCTYPE html><script>
addEventListener("message", (event) => { document.body.dataset.measured = event.data; });
</script><body><iframe src="measured.html" width="WIDE" height="HIGH" style="border:0"></iframe></body>"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which is absent")


def measured(found: dict[str, Any], size: tuple[int, int], folder: Path) -> dict[str, Any]:
    """What a browser window of that size makes of the page."""
    page = advice.write(written(folder, found))
    whole = page.read_text(encoding="utf-8").replace("</body>", MEASURE + "</body>")
    (folder / "measured.html").write_text(whole, encoding="utf-8")
    (folder / "frame.html").write_text(
        FRAME.replace("WIDE", str(size[0])).replace("HIGH", str(size[1])), encoding="utf-8"
    )
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command = [str(CHROMIUM), *quiet, "--window-size=1400,1000", "--dump-dom", (folder / "frame.html").as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    told = re.search(r'data-measured="([^"]*)"', shown)
    assert told is not None, "the script that measures has run"
    return dict(json.loads(html.unescape(told[1])))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
@pytest.mark.parametrize("found", [facts(), of_kind("not-enough-time")], ids=["a long verdict", "no model"])
def test_the_page_fits_its_window(found: dict[str, Any], size: tuple[int, int], tmp_path: Path) -> None:
    seen = measured(found, size, tmp_path)

    assert seen["room"] == size[0]
    assert seen["verdict"]["top"] >= 0
    assert seen["because"]["bottom"] <= seen["high"]  # readable without scrolling
    assert seen["wide"] <= seen["room"]  # no sideways scrolling
    assert seen["fetched"] == []
    assert all(300 <= width <= seen["room"] for width in seen["drawn"])
    assert min(seen["letters"], default=9) >= 9  # pixels of the smallest text in a drawing
