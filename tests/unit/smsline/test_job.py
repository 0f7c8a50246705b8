"""What a producer may say of a job: each field's rule, and a message a stranger understands."""

import json

import pytest

from smsline.errors import BadInput
from smsline.job import JobSpec, check_job_id, new_job_id
from smsline.names import LANES
from smsline.row_values import check_params, check_ref

NOW_S = 1_790_000_000.0
SECRET = "482913"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"template": ""}, "template: '': must be a template id of 1 to 64 letters, digits or _.:-"),
        ({"template": 1234}, "template: '1234': must be text; must be a template id"),
        ({"template": "a b"}, "template: 'a b': must be a template id"),
        ({"template": "x" * 65}, "must be a template id of 1 to 64"),
        ({"params": SECRET}, "params: 'str': must be a list of text, such as [\"482913\"]"),
        ({"params": {"code": SECRET}}, "params: 'dict': must be a list of text"),
        ({"params": [123456]}, "params: 'value 1 is int': every value must be text"),
        ({"params": ["a"] * 21}, "params: '…': must be at most 20 values; there are 21"),
        ({"params": ["a", "b" * 501]}, "params: '…': value 2 must be at most 500 characters; it has 501"),
        ({"sign": 5}, "sign: 'int': must be text"),
        ({"sign": "x" * 41}, "must be at most 40 characters"),
        ({"sign": "a\nb"}, "none of them a control character"),
        ({"sender": "Ünï"}, "sender: 'Ünï': must be at most 20 letters"),
        ({"extend": "12a"}, "extend: '12a': must be at most 12 digits"),
        ({"lane": "fast"}, "lane: 'fast': must be one of otp, notify, marketing"),
        ({"lane": 1}, "lane: '1': must be one of otp, notify, marketing"),
        ({"account": "a/b"}, "account: 'a/b': must be the name of a configured account; `smsline accounts` lists them"),
        ({"account": 3}, "account: '3': must be the name of a configured account"),
        ({"ttl_s": 0}, "ttl_s: '0': must be more than 0 and at most 2,592,000"),
        ({"ttl_s": -5}, "ttl_s: '-5': must be more than 0"),
        ({"ttl_s": "60"}, "ttl_s: '60': must be a number"),
        ({"ttl_s": 10**400}, "must be more than 0 and at most"),
        ({"ttl_s": True}, "ttl_s: 'True': must be a number"),
        ({"ttl_s": float("nan")}, "ttl_s: 'nan': must be a number"),
        ({"ttl_s": 31 * 86_400}, "must be more than 0 and at most"),
        ({"window": 9}, "window: 'int': must be text such as 09:00-20:00"),
        ({"window": "20:00-08:00"}, "window: '20:00-08:00': must be two times of a day, the earlier first"),
        ({"window": "09:00-20:00 Mars"}, "names no time zone: Mars"),
        ({"window": "09:00-20:00", "lane": "otp"}, "is not for the lane otp"),
        ({"pace": -1}, "pace: '-1': must be more than 0"),
        ({"pace": float("inf")}, "pace: 'inf': must be a number"),
        ({"key": "k" * 129}, "must be at most 128 characters"),
        ({"key": 7}, "key: 'int': must be text"),
        ({"start_s": "tomorrow"}, "at: 'tomorrow': must be epoch seconds"),
        ({"start_s": NOW_S + 91 * 86_400}, "must be within 90 days"),
        ({"stream": "false"}, "stream: 'false': must be true or false"),
        ({"ttl": 60}, "ttl: '…': is not a field of a job"),
    ],
)
def test_a_value_that_breaks_its_rule_is_refused(change: dict[str, object], message: str) -> None:
    """Field, value and rule; a secret is never among them."""
    with pytest.raises(BadInput) as refusal:
        JobSpec.checked({"template": "1234", **change}, now_s=NOW_S)
    assert message in str(refusal.value)
    assert refusal.value.field == ("at" if "start_s" in change else next(iter(change)))
    assert SECRET not in str(refusal.value).replace('such as ["482913"]', "")


def test_a_job_needs_a_template() -> None:
    """The only field without a default."""
    with pytest.raises(BadInput, match="template"):
        JobSpec.checked({})


@pytest.mark.parametrize(("lane", "ttl_s"), [("otp", 300.0), ("notify", 86_400.0), ("marketing", 259_200.0)])
def test_every_job_ends(lane: str, ttl_s: float) -> None:
    """A lane's own time holds where the producer names none; None is the same as nothing."""
    assert JobSpec.checked({"template": "1", "lane": lane, "ttl_s": None}).ttl_s == ttl_s


@pytest.mark.parametrize(("start_s", "kept"), [(None, 0.0), (0, 0.0), (NOW_S - 1, NOW_S - 1), (NOW_S + 60, NOW_S + 60)])
def test_a_start_is_kept_as_it_was_given(start_s: float | None, kept: float) -> None:
    """Redis' clock says whether it is past, and a repeated call must find the same start."""
    assert JobSpec.checked({"template": "1", "start_s": start_s}, now_s=NOW_S).start_s == kept


def test_a_spec_comes_back_as_it_was() -> None:
    """With its params, or without them where it is kept."""
    spec = JobSpec.checked(
        {"template": "1", "params": ["é", "5"], "sign": "签名", "lane": "otp", "key": "k", "pace": 5}
    )
    assert JobSpec.from_json(spec.to_json()) == spec
    assert "é" not in spec.to_json(params=False)
    assert JobSpec.from_json(spec.to_json(params=False)).params == ()


def test_a_window_is_no_field_that_an_older_worker_may_pass_over() -> None:
    """It would send at night; its reader takes params for a list, and so sets this job alone aside.

    This version's reads it.
    """
    spec = JobSpec.checked({"template": "1", "window": "09:00-20:00 Europe/Paris"})
    written = json.loads(spec.to_json(params=False))
    with pytest.raises(TypeError):
        tuple(written["params"])
    assert JobSpec.from_json(json.dumps(written)) == spec
    assert "params" not in JobSpec.checked({"template": "1"}).to_json(params=False)


def test_params_are_not_shown_by_accident() -> None:
    """A spec that gets into a log hides them."""
    assert SECRET not in repr(JobSpec.checked({"template": "1", "params": [SECRET]}))


def test_job_ids_sort_by_time_and_differ() -> None:
    """A thousand of the same millisecond are a thousand."""
    assert new_job_id(1.0) < new_job_id(2.0) < new_job_id(1e10)
    assert len({new_job_id(NOW_S) for _ in range(1000)}) == 1000
    assert check_job_id(new_job_id())


@pytest.mark.parametrize("job", ["", "x", "../../etc", "UPPER123456", None, 5, "a" * 41])
def test_what_is_no_job_id_is_refused(job: object) -> None:
    """The message says where to find one."""
    with pytest.raises(BadInput, match="`smsline jobs` lists them"):
        check_job_id(job)


@pytest.mark.parametrize("ref", [5, None, "x" * 65])
def test_what_is_no_ref_is_refused(ref: object) -> None:
    """Text, and not too long."""
    with pytest.raises(BadInput, match=r"ref: .*must be text of at most 64 characters"):
        check_ref(ref)


def test_params_may_be_any_sequence_of_text() -> None:
    """Names such as Null and Na are no leftovers of an export."""
    assert check_params(("a", "Null", "Na")) == ("a", "Null", "Na")
    assert check_params([]) == ()


@pytest.mark.parametrize(
    "value",
    [
        "",
        "  ",
        "\u200b\ufeff",
        "\u3164",
        "NULL",
        "#N/A",
        " nan ",
        "None",
        "none",
        "\\N",
        "#SPILL!",
        "<NA>",
        "NA",
        "-1.#IND",
        "Err:508",
        "#######",
        "M\ufffdller",
    ],
)
def test_a_missing_param_is_refused_unless_it_is_allowed(value: str) -> None:
    """A text that says `Dear NULL` is worse than none."""
    with pytest.raises(BadInput, match=r"value 2 (is|has) .*--allow-blank"):
        check_params(["a", value])
    assert check_params(["a", value], allow_blank=True) == ("a", value)


@pytest.mark.parametrize("field", ["params", "sign", "key", "template", "sender"])
def test_half_a_character_is_refused_wherever_it_is(field: str) -> None:
    """And the refusal can be printed."""
    half = "a\ud83d"
    with pytest.raises(BadInput) as refusal:
        JobSpec.checked({"template": "1", field: [half] if field == "params" else half})
    str(refusal.value).encode()
    with pytest.raises(BadInput, match="half a character"):
        check_ref(half)


def test_a_control_character_is_refused_and_a_line_end_is_none() -> None:
    """Zero bytes and escape codes of terminals come from broken exports; no phone shows them."""
    for letter in "\0\x07\x1b\x7f":
        for check in (lambda text: check_params([text]), check_ref):
            with pytest.raises(BadInput, match=f"control character \\(U\\+{ord(letter):04X}\\)"):
                check(f"a{letter}")
    assert check_params(["a\tb\r\nc"]) == ("a\tb\r\nc",)


def test_a_start_is_a_whole_second() -> None:
    """As it is said, so that the same call can be made again."""
    assert JobSpec.checked({"template": "1", "start_s": NOW_S + 0.2}).start_s % 1 == 0


def test_the_lanes_are_those_of_the_contract() -> None:
    """Most urgent first."""
    assert LANES == ("otp", "notify", "marketing")
