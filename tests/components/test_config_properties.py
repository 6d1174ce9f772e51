"""Whatever the engine hands over is a configuration, or is refused in words: never with a trace of something else."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel

from components.config import Bridge, Configuration, ConfigurationError, Database, Network, load, windows
from components.config.configuration import Observability
from components.config.indexes import Index
from components.config.users import User

SECTIONS = {"network": Network, "database": Database, "observability": Observability, "bridge": Bridge}
TELLING = ["aurora", "rds", "both", "18", "18.6", "db.serverless", "db.r8g.large", "a", "", "2026-01-31T12:00:00Z", "10.0.0.0/16",
           "vpc-01234567", "subnet-01234567", "ssm", "data-api", "docs", "gp3", "03:00-04:00", "sun:03:30-sun:04:30", "\ud800"]  # fmt: skip
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(0, 400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(TELLING)
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "dimension", "max", "snapshot", "x"]) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)  # fmt: skip


def keys_of(model):
    return st.dictionaries(st.sampled_from([to_camel(name) for name in model.model_fields]), anything, max_size=5)


configurations = st.fixed_dictionaries(
    {},
    optional={
        **{name: keys_of(model) | anything for name, model in SECTIONS.items()},
        "indexes": st.lists(keys_of(Index), max_size=3) | anything,
        "users": st.lists(keys_of(User), max_size=3) | anything,
        "bastion": anything,
        "transport": anything,
        "tags": st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3) | anything,
        "colour": anything,
    },
)


def read(values):
    """The configuration, or the lines that refuse it."""
    try:
        return load(values)
    except ConfigurationError as error:
        first, *lines = str(error).splitlines()
        return lines if first == "The stack's configuration cannot be used:" else [first]


@settings(max_examples=300)
@given(configurations)
def test_any_json_is_a_configuration_or_refused(given_keys):
    result = read({f"vectordb:{key}": json.dumps(value) for key, value in given_keys.items()})
    if isinstance(result, list):
        assert result
        assert all(line.startswith("  vectordb:") for line in result)
    else:
        assert isinstance(result, Configuration)
        assert "colour" not in given_keys


@given(st.sampled_from(sorted(Configuration.model_fields)), st.text())
def test_any_text_is_a_value_or_refused(key, text):
    result = read({f"vectordb:{key}": text})
    assert isinstance(result, Configuration) or result[0].startswith((f"  vectordb:{key}", "  vectordb: "))


@given(st.text())
def test_any_other_key_is_refused_on_one_line(key):
    if key not in Configuration.model_fields:
        (line,) = read({f"vectordb:{key}": "1"})
        assert line.endswith(
            "Allowed: network, database, bastion, transport, indexes, bridge, embedding, users, observability, tags."
        )


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_is_named_when_its_value_has_the_wrong_kind(section):
    nonsense = {"vectordb:" + section: json.dumps({to_camel(n): {"no": {}} for n in SECTIONS[section].model_fields})}
    with pytest.raises(ConfigurationError) as error:
        load(nonsense)
    for name in SECTIONS[section].model_fields:
        assert f"  vectordb:{section}.{to_camel(name)}" in str(error.value)
    assert "input should" not in str(error.value).lower()


MINUTE = "{:02d}:{:02d}".format
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@given(st.integers(0, 1439), st.integers(1, 1439), st.integers(0, 10079), st.integers(1, 10079))
def test_windows_overlap_when_they_share_a_minute(day, long, week, wide):
    daily = f"{MINUTE(*divmod(day, 60))}-{MINUTE(*divmod((day + long) % 1440, 60))}"

    def moment(minute):
        return f"{DAYS[minute // 1440]}:{MINUTE(*divmod(minute % 1440, 60))}"

    weekly = f"{moment(week)}-{moment((week + wide) % 10080)}"
    assert windows.daily(daily) == ((day, long) if long >= 30 else None)
    assert windows.weekly(weekly) == ((week, wide) if wide >= 30 else None)
    if long >= 30 and wide >= 30:
        held = {(day + n + 1440 * number) % 10080 for number in range(7) for n in range(long)}
        shared = any((week + n) % 10080 in held for n in range(wide))
        assert windows.overlap(daily, weekly) == shared
    else:
        assert not windows.overlap(daily, weekly)


@pytest.mark.parametrize("text", ["24:00-01:00", "3:00-4:00", "03:00", "٠٣:00-04:00", "03:00-03:00"])
def test_texts_that_are_no_daily_window(text):
    assert windows.daily(text) is None
