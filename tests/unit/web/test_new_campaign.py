"""Rules of a campaign made in the console.

What files are taken, what is shown before the start, and that it starts once.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import pytest
from openpyxl import Workbook
from starlette.testclient import TestClient

from smsline.ledger import suppression
from smsline.ledger.audit import acts
from smsline.ledger.link import Ledger
from smsline.ledger.suppression import Suppression
from tests.unit.web.conftest import SignIn, Site
from worker.web.campaigns.sheet import guess

EVIL = "<script>alert(1)</script>"
GIVEN = {"phone": "0", "template": "5678", "lane": "marketing"}


BOMB = (
    "<!DOCTYPE w [<!ENTITY a0 'boom'>"
    + "".join(f"<!ENTITY a{at} '{f'&a{at - 1};' * 10}'>" for at in range(1, 10))
    + "]><worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheetData><row r='1'>"
    "<c r='A1' t='inlineStr'><is><t>&a9;</t></is></c></row></sheetData></worksheet>"
)


def workbook(*sheets: Sequence[Sequence[object]], sheet: str = "") -> bytes:
    """An XLSX of these sheets; `sheet` stands in the place of the first one's XML."""
    book = Workbook(write_only=True)
    for rows in sheets or ([["phone"]],):
        made = book.create_sheet()
        for row in rows:
            made.append(row)
    if not sheet:
        return saved(book)
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(book))) as old, zipfile.ZipFile(changed, "w") as new:
        for part in old.infolist():
            new.writestr(part.filename, sheet if part.filename.endswith("sheet1.xml") else old.read(part))
    return changed.getvalue()


def saved(book: Workbook) -> bytes:
    """A workbook as its file."""
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def uploaded(browser: TestClient, content: bytes, name: str = "may.csv") -> str:
    """The page of an uploaded file."""
    answer = browser.post("/campaigns/upload", files={"file": (name, content)})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


@pytest.mark.parametrize(
    "content",
    [
        b"phone,name\n+8613900001111,Anna\n",
        "\ufeffphone;name\n+8613900001111;Anna\n".encode(),
        "name\tMobile\nAnna\t+8613900001111\n".encode("utf-16"),
        "姓名,手机\nAnna,+8613900001111\n".encode(),
        b'sep=;\nName; Mobile\n "Anna" ;+8613900001111\n',
    ],
)
def test_files_that_are_taken(site: Site, content: bytes) -> None:
    """UTF-8 and UTF-16, comma, semicolon and tab.

    The column of the numbers is guessed, and the others can be mapped.
    """
    browser = site()
    at = uploaded(browser, content)
    page = browser.get(at).text
    phone = page.split('<select id="phone"')[1].split("selected")[0].rsplit('value="', 1)[1][0]
    checked = browser.post(at, data={**GIVEN, "phone": phone, "param1": str(1 - int(phone))}).text
    assert "Start: send to 1 recipient" in checked
    assert '<td class="code">Anna</td>' in checked


def test_columns_of_one_name_are_told_apart(site: Site) -> None:
    """Params there twice, or with a gap, are not guessed: it could take another's place."""
    browser = site()
    page = browser.get(uploaded(browser, b"phone,param1,param1\n+8613900001111,a,b\n")).text
    assert '<option value="2">param1 (column 3)</option>' in page
    for names, params in {
        ("phone", "param2", "param1"): (2, 1),
        ("phone", "param1", "param1"): (),
        ("phone", "param1", "param3"): (),
    }.items():
        assert guess(names).params == params


def test_another_encoding_is_chosen_beside_the_file(site: Site) -> None:
    """Refused rows, and a header that is no text, say what it looks like and where to choose."""
    browser = site()
    content = "phone,name\n+8613900001111,张伟\n".encode("gb18030")
    page = browser.post(uploaded(browser, content), data={**GIVEN, "param1": "1"}).text
    assert "looks like gb18030: name that in the list beside the file" in page
    header = {"file": ("x", "手機,name\n+8613900001111,x\n".encode("big5"))}
    assert (
        "looks like big5: name that in the list beside the file" in browser.post("/campaigns/upload", files=header).text
    )
    assert '<option value="gb18030">' in browser.get("/campaigns/new").text
    chosen = browser.post("/campaigns/upload", files={"file": ("x", content)}, data={"encoding": "gb18030"})
    assert '<td class="code">张伟</td>' in browser.post(chosen.headers["location"], data={**GIVEN, "param1": "1"}).text
    unknown = browser.post("/campaigns/upload", files={"file": ("x", content)}, data={"encoding": "klingon"})
    assert (unknown.status_code, "is not one of the list" in unknown.text) == (422, True)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04xx", "is no workbook"),
        (b"\xd0\xcf\x11\xe0xx", "is a spreadsheet"),
        (workbook(sheet=BOMB), "cannot be read as XLSX"),
        (workbook([]), "must name the columns"),
        (workbook([[f"c{at}" for at in range(300)]]), "more than 256 columns"),
        (bytes(range(256)), "or name its encoding"),
        (b"\n\n", "must name the columns"),
        (b"Anna,+8613900001111\nBen,+8613900002222\n", "that names the columns"),
        (workbook([["139 0000 1111"], ["13900002222"]]), "that names the columns"),
    ],
)
def test_files_that_are_not(site: Site, content: bytes, told: str) -> None:
    """What is no table of text says what to do."""
    answer = site().post("/campaigns/upload", files={"file": ("x", content)})
    assert (answer.status_code, told in answer.text) == (422, True)


def test_a_workbook(site: Site) -> None:
    """Numbers come out digit by digit, dates as dates.

    What a spreadsheet has rounded, or could not work out, spoils its row alone.
    """
    rows: list[list[object]] = [
        ["Name", "Mobile", "Day", "Note"],
        ["Anna", 8613900001111, date(2030, 5, 1), 12345678901234567890],
        [],
        ["Ben", 8.613900002222e12, datetime(2030, 5, 1, 9, 30), None],  # noqa: DTZ001 - a cell has no zone
        [4503599627370497.0, "+8613900003333", 0.1 + 0.2],
        ["#N/A", "+8613900004444", "x"],
        ["Carl", 86139000055556666, "x"],
        ["Dora", "+8613900006666", 1e-7],
    ]
    browser = site(region_default="CN")
    at = uploaded(browser, workbook(rows, [["other"]]), "may.xlsx")
    assert "the first shown of 2" in browser.get(at).text
    page = browser.post(at, data={**GIVEN, "phone": "1", "param1": "0", "param2": "2"}).text
    shown = [cell.split("<")[0] for cell in page.split('<td class="code">')[1:]]
    assert [shown[at : at + 2] for at in range(0, 9, 3)] == [
        ["Anna", "2030-05-01"],
        ["Ben", "2030-05-01 09:30"],
        ["Dora", "0.0000001"],
    ]
    assert [phone in page for phone in ("+8613900001111", "+8613900002222", "E+")] == [True, True, False]
    refused = page.split("Refused rows")[1]
    assert [f'<td class="num">{line}</td>' in refused for line in range(2, 9)] == [
        False,
        False,
        False,
        True,
        True,
        True,
        False,
    ]
    assert refused.count("of more than 15 digits, which are rounded") == 2
    used = browser.post(at, data={**GIVEN, "phone": "1", "param1": "3"}).text
    assert '<td class="num">2</td>' in used.split("Refused rows")[1]


def test_a_workbook_shows_what_is_sent(site: Site) -> None:
    """A hidden sheet is not read; zeros of a format are sent, other digits of one spoil their row.

    A formula that no program has calculated is no empty cell: the workbook is refused.
    """
    book = Workbook()
    book.create_sheet("hidden", 0).sheet_state = "hidden"
    sheet = book["Sheet"]
    for row in (["phone", "param1"], ["+8613900001111", 482], [7911123456, "b"]):
        sheet.append(row)
    sheet["B2"].number_format, sheet["A3"].number_format = "000000", '"+44 "0'
    browser = site(region_default="CN")
    page = browser.post(uploaded(browser, saved(book), "x.xlsx"), data={**GIVEN, "phone": "0", "param1": "1"}).text
    assert ("000482" in page, "with a format that adds digits" in page) == (True, True)
    sheet["A4"] = "=A3"
    answer = browser.post("/campaigns/upload", files={"file": ("x.xlsx", saved(book))})
    assert (answer.status_code, "cell A4" in answer.text, "never calculated" in answer.text) == (422, True, True)


def test_a_workbook_that_is_a_bomb(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be too large is refused by what is written of its parts.

    That is before any of it is unpacked; or it is refused as its copy grows.
    """
    book = workbook([["phone"], *([["x" * 500]] * 100)])
    for bound in ("SHEET_MOST", "OTHER_MOST", "COPY_MOST"):
        with monkeypatch.context() as patched:
            patched.setattr(f"worker.web.campaigns.workbook.{bound}", 300)
            assert site().post("/campaigns/upload", files={"file": ("x.xlsx", book)}).status_code == 422


def test_what_would_be_sent(site: Site, web_ledger: Ledger) -> None:
    """Good, refused with line and reason, duplicates, suppressed, countries.

    Nothing of a cell becomes markup, nothing is sent.
    """
    suppression.add(web_ledger, [Suppression(8613900002222, scope="marketing")])
    rows = [
        "phone,ref",
        "+8613900001111,a",
        "+8613900002222,b",
        "12,c",
        "+8613900001111,a",
        f"+33612345678,{EVIL}",
        '+1,"x',
    ]
    browser = site()
    at = uploaded(browser, "\n".join(rows).encode(), name=f"{EVIL}.csv")
    page = browser.post(at, data={**GIVEN, "ref": "1"}).text
    shown = (">4</td>", ">5</td>", ">7</td>", "phone is that of line 2, which says the same", "is a quote not closed?")
    for told in ("Start: send to 3 recipients", "CN 2, FR 1", *shown):
        assert told in page
    tiles = [part.split("<")[0] for part in page.split('class="value">')[1:]]
    assert tiles[:5] == ["3", "2", "1", "1", "2"]
    assert EVIL not in page + browser.get(at).text
    assert acts(web_ledger) == []
    assert web_ledger.redis.zcard(web_ledger.keys.jobs) == 0


def test_start(site: Site, web_ledger: Ledger) -> None:
    """It is handed over once, however often the button is pressed.

    By whom and to how many is written down.
    """
    browser = site()
    at = uploaded(browser, b"phone,name\n+8613900001111,Anna\n+8613900002222,Ben\n12,x\n")
    given = {**GIVEN, "param1": "1", "pace": "5", "at": "2030-05-01T09:00", "act": "start"}
    given["at"] = ""
    answer = browser.post(at, data=given)
    assert answer.headers["location"].endswith("?done=started&count=2")
    job = answer.headers["location"].split("/")[2].split("?")[0]
    assert "2" in browser.get(f"/jobs/{job}").text
    newest = acts(web_ledger)[0]
    assert (newest["act"], newest["who"], newest["how"], newest["count"]) == ("campaign.submit", "local", "page", 2)
    assert [again.headers["location"] for again in (browser.post(at, data=given), browser.get(at))] == [
        f"/jobs/{job}"
    ] * 2
    assert web_ledger.redis.zcard(web_ledger.keys.jobs) == 1


def test_when_it_starts_and_whom_the_hours_hold_back(site: Site, web_ledger: Ledger) -> None:
    """The start is on the clock of a place; a window is the recipients'.

    Segments are counted where the text is known.
    """
    account = {"provider": "smspartner", "secret_key": "k", "texts": {"offer": "Bonjour {1}!"}, "window": "08:00-22:00"}
    browser = site(accounts={"paris": account})
    at = uploaded(browser, f"phone,name\n+919876543210,Anna\n+8613900001111,{'x' * 200}\n".encode())
    day, before = (datetime.now(UTC).date() + timedelta(days=days) for days in (10, 9))
    given = {**GIVEN, "template": "offer", "param1": "1", "at": f"{day}T07:00", "zone": "Asia/Shanghai"}
    page = browser.post(at, data=given).text
    assert f"{day} 07:00 Asia/Shanghai ({before} 23:00 UTC)" in page
    assert "IN (in 3 h 30 min), CN (in 1 h)" in page
    assert '<span class="value">5</span><span class="label">segments, about' in page
    job = browser.post(at, data={**given, "act": "start"}).headers["location"].split("/")[2].split("?")[0]
    held = web_ledger.redis.hget(web_ledger.keys.job(job), "start_ms")
    assert int(held) / 1000 == datetime.combine(before, time(23), UTC).timestamp()


def test_a_campaigns_own_hours(site: Site) -> None:
    """They are asked for on the form, and stand on the job's page.

    Beside them is told what they hold back and what they never let out.
    """
    browser = site()
    at = uploaded(browser, b"phone,name\n+919876543210,Anna\n+8613900001111,Ben\n")
    day = datetime.now(UTC).date() + timedelta(days=10)
    given = {**GIVEN, "param1": "1", "at": f"{day}T07:00", "zone": "Asia/Shanghai", "opens": "09:00", "closes": "20:00"}
    page = browser.post(at, data={**given, "ttl_s": "14400"}).text
    assert "09:00 to 20:00 of the recipient&#39;s day, within 4 h" in page
    assert "IN (in 4 h 30 min, after the deadline: not sent), CN (in 2 h)" in page
    for wrong, told in (
        ({"closes": ""}, "hours of sending: need both ends"),
        ({"lane": "otp"}, "window: is not for the lane otp"),
        ({"ttl_s": "3600"}, f"opens at {day}T01:00Z, after the job has ended"),
        ({"window_zone": "Mars"}, "names no time zone: Mars"),
    ):
        answer = browser.post(at, data={**given, **wrong})
        assert (answer.status_code, told in answer.text) == (422, True)
    started = browser.post(at, data={**given, "window_zone": "Europe/Paris", "pace": "5", "act": "start"})
    job = browser.get(started.headers["location"]).text
    assert "5 recipients a second · goes out 09:00-20:00 Europe/Paris" in job
    assert f"from {day - timedelta(days=1)} 23:00 UTC" in job


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"template": ""}, "template: is needed"),
        ({"template": "no spaces"}, "template: must be a template id"),
        ({"phone": ""}, "choose the column that holds the numbers"),
        ({"phone": "7"}, "must be a column of the file"),
        ({"param2": "1"}, "from param 1 on"),
        ({"pace": "fast"}, "pace: must be a number"),
        ({"pace": "nan"}, "pace: must be a number"),
        ({"at": "soon"}, "start: must be a time"),
        ({"at": "2030-05-01T09:00", "zone": "../../etc/passwd"}, "zone: must be a time zone"),
        ({"at": "2001-05-01T09:00"}, "start: is in the past"),
        (
            {"at": "2030-03-31T02:30", "zone": "Europe/Paris"},
            "does not exist, as clocks are put forward in Europe/Paris",
        ),
        (
            {"at": "2030-10-27T02:30", "zone": "Europe/Paris"},
            "choose UTC and write 2030-10-27T00:30 or 2030-10-27T01:30",
        ),
        ({"lane": "fast"}, "lane: must be one of"),
    ],
)
def test_bad_settings(site: Site, web_ledger: Ledger, wrong: Mapping[str, str], told: str) -> None:
    """The form comes back with what was wrong, and nothing is sent."""
    browser = site()
    at = uploaded(browser, b"phone,name\n+8613900001111,Anna\n")
    answer = browser.post(at, data={**GIVEN, **wrong, "act": "start"})
    assert (answer.status_code, told in answer.text) == (422, True)
    assert web_ledger.redis.zcard(web_ledger.keys.jobs) == 0


def test_whose_file_it_is(signed_in: SignIn) -> None:
    """Another user cannot see it, nor start it; a reader cannot bring one.

    A path as its token leads nowhere.
    """
    first, second, reader = signed_in("admin"), signed_in("operate"), signed_in("read")
    second.app = first.app
    at = uploaded(first, b"phone\n+8613900001111\n")
    assert first.get(at).status_code == 200
    assert TestClient(first.app, cookies=second.cookies, base_url="http://127.0.0.1:8390").get(at).status_code == 404
    assert reader.post("/campaigns/upload", files={"file": ("x", b"phone\n")}).status_code == 403
    assert first.get("/campaigns/..%2f..%2fetc%2fpasswd").status_code == 404


def test_too_long(site: Site) -> None:
    """A file beyond the limit is refused as it comes; one of a single endless line too."""
    browser = site(upload_mb=1)
    answer = browser.post("/campaigns/upload", files={"file": ("x", b"phone\n" + b"+8613900001111\n" * 80_000)})
    assert answer.status_code == 413
    at = uploaded(site(), b"phone\n" + b"1" * (3 << 20))
    assert at
