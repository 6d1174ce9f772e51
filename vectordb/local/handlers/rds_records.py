"""What RDS says of the databases here: described as on AWS, with the roles that are associated with them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from vectordb.local.databases import Database, Declared
from vectordb.local.engine import Execution

_UNUSED_PASSWORD = "not-the-master-s"  # noqa: S105 - RDS's API asks for one; logins are the server's own business


@contextmanager
def described(execution: Execution, declared: Declared) -> Iterator[None]:
    """Tell the emulator's RDS of a database while its server is started in the block."""
    with ThreadPoolExecutor(1, thread_name_prefix=f"rds-{declared.name}") as aside:
        telling = aside.submit(_describe, execution, declared)
        yield
        telling.result()


def associate(execution: Execution, database: Database, feature: str, role: str) -> None:
    """Tell it of the role that a database has for a feature."""
    identifier = database.declared.identifier
    client = execution.clients("rds")
    if database.declared.engine == "Aurora":
        client.add_role_to_db_cluster(DBClusterIdentifier=identifier, FeatureName=feature, RoleArn=role)
    else:
        client.add_role_to_db_instance(DBInstanceIdentifier=identifier, FeatureName=feature, RoleArn=role)


def _describe(execution: Execution, declared: Declared) -> None:
    client, version = execution.clients("rds"), {"EngineVersion": declared.version} if declared.version else {}
    if declared.engine == "Aurora":
        client.create_db_cluster(
            DBClusterIdentifier=declared.identifier,
            Engine="aurora-postgresql",
            MasterUsername=declared.master,
            MasterUserPassword=_UNUSED_PASSWORD,
            Port=declared.port,
            **version,
        )
    else:
        client.create_db_instance(
            DBInstanceIdentifier=declared.identifier,
            DBInstanceClass="db.t4g.micro",
            Engine="postgres",
            AllocatedStorage=20,
            MasterUsername=declared.master,
            MasterUserPassword=_UNUSED_PASSWORD,
            Port=declared.port,
            **version,
        )
