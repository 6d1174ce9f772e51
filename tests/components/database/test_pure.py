"""What is decided without Pulumi: versions, parameters, names, storage, insights, what is restored."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.database import monitoring, parameters
from components.database.engine_versions import AURORA, KNOWN, RDS, Version
from components.database.rds import storage
from components.database.restoration import Restoration


@pytest.mark.parametrize(
    ("text", "major", "exact", "family"),
    [("18", "18", False, "aurora-postgresql18"), ("17.11", "17", True, "aurora-postgresql17")],
)
def test_a_version_is_a_major_or_an_exact_minor(text, major, exact, family):
    version = Version(text)
    assert (version.major, version.exact, version.family(AURORA)) == (major, exact, family)


def test_a_major_and_every_known_minor_raise_no_doubt():
    for engine, majors in KNOWN.items():
        for major, minors in majors.items():
            assert not Version(major).doubt(engine)
            assert [Version(f"{major}.{minor}").doubt(engine) for minor in minors] == [""] * len(minors)


def test_a_minor_that_one_engine_has_and_the_other_lacks():
    assert not Version("18.1").doubt(RDS)
    assert Version("18.1").doubt(AURORA) == (
        "PostgreSQL 18.1 on aurora-postgresql was not offered on 2026-10-20; then there were 18.3, 18.4, 18.6. "
        "Ask your region with `aws rds describe-db-engine-versions`."
    )
    assert Version("15").doubt(RDS) == "PostgreSQL 15 on postgres is not known here. Known: 16, 17, 18."


def group(own=None, libraries=(), *, cron=False, private_names=False):
    values = parameters.group(own or {}, libraries, database_name="vectordb", cron=cron, private_names=private_names)
    return {p["name"]: (p["value"], p["apply_method"]) for p in values}


PLAIN = {
    "aws_lambda.connect_timeout_ms": ("2000", "immediate"),
    "aws_lambda.request_timeout_ms": ("30000", "immediate"),
    "log_connections": ("1", "immediate"),
    "log_disconnections": ("1", "immediate"),
    "log_lock_waits": ("1", "immediate"),
    "log_min_duration_statement": ("500", "immediate"),
    "rds.force_ssl": ("1", "pending-reboot"),
    "shared_preload_libraries": ("pg_stat_statements", "pending-reboot"),
    "track_io_timing": ("1", "pending-reboot"),
}


def test_the_parameters_of_a_plain_database():
    assert group() == PLAIN


def test_libraries_are_added_to_the_default_and_named_once():
    assert parameters.preloaded(["pgaudit", "pg_stat_statements"], cron=True) == "pg_stat_statements,pg_cron,pgaudit"


def test_what_is_asked_for_is_added_and_static_parameters_wait_for_a_restart():
    changed = group({"work_mem": "65536", "max_connections": "200"}, ["pgaudit"], cron=True, private_names=True)
    assert changed == PLAIN | {
        "work_mem": ("65536", "immediate"),
        "max_connections": ("200", "pending-reboot"),
        "cron.database_name": ("vectordb", "pending-reboot"),
        "rds.custom_dns_resolution": ("1", "pending-reboot"),
        "shared_preload_libraries": ("pg_stat_statements,pg_cron,pgaudit", "pending-reboot"),
    }


def test_a_stacks_own_value_wins_over_a_convenience_and_not_over_tls():
    assert group({"log_min_duration_statement": "50"})["log_min_duration_statement"] == ("50", "immediate")
    with pytest.raises(ValueError, match=r"parameters has rds\.force_ssl, which the program sets\. Leave it out\."):
        group({"rds.force_ssl": "0"})


@given(st.lists(st.sampled_from(["pgaudit", "pg_cron", "pg_stat_statements", "auto_explain"])), st.booleans())
def test_preloading_never_loses_the_default(libraries, cron):
    loaded = parameters.preloaded(libraries, cron=cron).split(",")
    assert loaded[0] == "pg_stat_statements"
    assert set(loaded) == {"pg_stat_statements", *libraries, *(["pg_cron"] if cron else [])}
    assert len(loaded) == len(set(loaded))


def test_insights_keep_what_each_mode_needs():
    keys = ("mode", "enabled", "retention_period", "kms_key_id")
    prefixes = ("database_insights_", *["performance_insights_"] * 3)
    names = [prefix + key for prefix, key in zip(prefixes, keys, strict=True)]
    kept = {
        mode: tuple(map(monitoring.insights(mode, "arn:key").get, names)) for mode in ("standard", "advanced", "off")
    }
    assert kept == {
        "standard": ("standard", True, 7, "arn:key"),
        "advanced": ("advanced", True, 465, "arn:key"),
        "off": ("standard", False, None, None),
    }
    with pytest.raises(ValueError, match=r"insights is 'full'\. Allowed: standard, advanced, off"):
        monitoring.insights("full", "arn:key")


def test_storage_with_provisioned_operations_has_the_least_that_fits():
    assert storage("gp3", 20, None) == {"storage_type": "gp3", "allocated_storage": 20}
    assert storage("gp3", None, None)["allocated_storage"] == 20
    assert storage("gp3", 399, None) == {"storage_type": "gp3", "allocated_storage": 399}
    assert storage("gp2", 400, None) == {"storage_type": "gp2", "allocated_storage": 400}
    striped = {"storage_type": "gp3", "allocated_storage": 400, "iops": 12000, "storage_throughput": 500}
    assert storage("gp3", 400, None) == striped
    assert storage("io1", None, None) == {"storage_type": "io1", "allocated_storage": 100, "iops": 1000}
    assert storage("io2", 100, None) == {"storage_type": "io2", "allocated_storage": 100, "iops": 1000}
    assert storage("io2", 4001, None) == {"storage_type": "io2", "allocated_storage": 4001, "iops": 2001}
    assert storage("io2", 100, 5000)["iops"] == 5000
    with pytest.raises(ValueError, match="storage_type io2 begins at 100 GiB; allocated_storage is 20"):
        storage("io2", 20, None)
    with pytest.raises(ValueError, match="iops is 3000 with storage_type gp3"):
        storage("gp3", 400, 3000)


def test_what_is_restored():
    assert Restoration().of_cluster() == {}
    assert not Restoration().asked
    assert (
        Restoration(snapshot="s").of_cluster()
        == Restoration(snapshot="s").of_instance()
        == {"snapshot_identifier": "s"}
    )
    assert Restoration(source="d").of_cluster() == {
        "restore_to_point_in_time": {"source_cluster_identifier": "d", "use_latest_restorable_time": True}
    }
    assert Restoration(source="d", time="t").of_instance() == {
        "restore_to_point_in_time": {"source_db_instance_identifier": "d", "restore_time": "t"}
    }
    assert Restoration(source="d", time="t").of_cluster() == {
        "restore_to_point_in_time": {"source_cluster_identifier": "d", "restore_to_time": "t"}
    }


@pytest.mark.parametrize(
    ("given_", "message"),
    [({"snapshot": "s", "source": "d"}, "are both given"), ({"snapshot": "s", "time": "t"}, "without restore_source")],
)
def test_what_cannot_be_restored(given_, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Restoration(**given_)
