"""The page in a real browser: what a reviewer sees on a desktop, on a phone, in the dark and on paper, and that nothing leaves it."""

import re
import zlib
from pathlib import Path

import pytest

INSPECT = Path(__file__).with_name("inspect.js").read_text(encoding="utf-8")
SIZES = {"desktop": {"width": 1280}, "phone": {"width": 390, "height": 844}}
ROWS = "[...document.querySelectorAll('table.rows tbody tr')].filter(row => row.checkVisibility()).length"


@pytest.mark.parametrize(
    ("name", "size", "scheme"),
    [
        ("faulty", "desktop", "light"),
        ("faulty", "desktop", "dark"),
        ("faulty", "phone", "dark"),
        ("quiet", "desktop", "dark"),
        ("empty", "phone", "light"),
        ("huge", "phone", "light"),
    ],
)
def test_nothing_is_wrong_with_it(browser, pages, name, size, scheme):
    """Overflow, contrast of at least 4.5, headings in order, names for everything, no dead link, no complaint, no request."""
    browser.open(pages[name], scheme=scheme, **SIZES[size])
    assert browser.run(INSPECT) == []
    assert browser.requests() == [pages[name].as_uri()]
    assert browser.complaints() == []


def test_the_inspection_sees_what_is_wrong(browser, pages, tmp_path):
    """It is worth nothing when it would say nothing: each fault that is put into a good page is found."""
    page = pages["quiet"].read_text(encoding="utf-8")
    faults = {
        "the page is": ("</style>", ".wide { width: 3000px }</style>"),
        "contrast": ("--dim: #535d6b", "--dim: #b0b8c4"),
        "heading out of order": ('<h2 id="flows-title">Flows</h2>', '<h4 id="flows-title">Flows</h4>'),
        "without a label": ('<label for="filter">', "<label>"),
        "no scope": ('scope="col"', ""),
        "a dead link": ('id="stores"', ""),
        "outside the drawing": ('class="vpc-name" x="', 'class="vpc-name" x="9'),
        "beyond the edge": ("<main>", '<main><p class="wide">x</p>'),
    }
    for sound, faulty in faults.values():
        assert sound in page
        page = page.replace(sound, faulty)
    # Without the policy: the style's digest is another now.
    (tmp_path / "faulty.html").write_text(re.sub(r"<meta http-equiv[^>]*>", "", page), encoding="utf-8")
    browser.open(tmp_path / "faulty.html")
    found = browser.run(INSPECT.replace(".slice(0, 20)", ""))
    assert [fault for fault in faults if not any(fault in sentence for sentence in found)] == []


def test_the_first_screen_answers_the_question(browser, pages):
    browser.open(pages["faulty"], width=1280, height=800)
    seen = browser.run(
        "[...document.querySelectorAll('.verdict, .numbers, #reach tbody tr')].every(e => e.getBoundingClientRect().bottom <= innerHeight)"
    )
    assert seen


def test_the_dark_is_dark_and_paper_is_white(browser, pages, tmp_path):
    def ground(**how):
        browser.open(pages["quiet"], width=400, height=300, **how)
        browser.picture(tmp_path / "page.png", whole=False)
        return first_pixel(tmp_path / "page.png")

    assert max(ground(scheme="dark")) < 40
    assert ground(scheme="dark", media="print") == (255, 255, 255)


def test_it_prints_whole(browser, pages, tmp_path):
    """A long table is folded on the screen, and on paper all of it is there."""
    browser.open(pages["huge"])
    folded = browser.run(ROWS)
    browser.open(pages["huge"], media="print", width=794)
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert browser.run(ROWS) > folded
    browser.open(pages["empty"])
    browser.print(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_the_filter(browser, pages):
    browser.open(pages["faulty"])
    everything = browser.run(ROWS)

    def shown(words):
        browser.run(
            f"(input => {{ input.value = '{words}'; input.dispatchEvent(new Event('input')) }})(document.querySelector('#filter'))"
        )
        return browser.run(
            f"new Promise(done => setTimeout(() => done([{ROWS}, document.querySelector('output').value]), 150))"
        )

    few, told = shown("REPORT-JOB 5432")
    assert 0 < few < everything
    assert told.startswith(f"{few} of ")
    assert shown("nowhere to be found")[0] == 0
    assert shown("") == [everything, ""]


def test_the_filter_opens_what_is_folded(browser, pages):
    browser.open(pages["huge"])
    browser.run(
        "(input => { input.value = '-without-a-break-59'; input.dispatchEvent(new Event('input')) })(document.querySelector('#filter'))"
    )
    assert (
        browser.run(f"new Promise(done => setTimeout(() => done({ROWS}), 150))") == 2
    )  # the name of its component, and itself


def test_without_javascript_every_row_is_there_and_no_filter(browser, pages):
    browser.open(pages["quiet"], javascript=False)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.run(
        "!document.querySelector('.filter').checkVisibility() && !!document.querySelector('#flows tbody tr')"
    )


def test_the_keyboard_reaches_the_first_link_first(browser, pages):
    browser.open(pages["quiet"])
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert browser.run("document.activeElement.className + document.activeElement.hash") == "skip#reach"
    assert browser.run("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2


def test_a_name_is_never_markup(browser, pages):
    browser.open(pages["huge"])
    assert browser.run("document.querySelectorAll('script').length") == 1
    assert browser.run("document.body.textContent.includes('<script>alert(1)</script>')")


def first_pixel(file):
    """Red, green and blue of a PNG's upper left corner: of the first pixel no filter changes anything."""
    data, at, packed = file.read_bytes(), 8, b""
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    return tuple(zlib.decompressobj().decompress(packed, 8)[1:4])
