"""Lambda packages made in memory, deployed to an emulator."""

import io
import json
import zipfile

ROLE = "functions"


def package(files):
    """A zip file of names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def role(emulator):
    """The ARN of a role for functions; made once."""
    iam = emulator.client("iam")
    try:
        return iam.create_role(
            RoleName=ROLE, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []})
        )["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        return iam.get_role(RoleName=ROLE)["Role"]["Arn"]


def deploy(emulator, name, files, handler, **settings):
    """Create a function; gives CreateFunction's answer."""
    return emulator.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler=handler,
        Code={"ZipFile": package(files)},
        **({"Role": role(emulator)} | settings),
    )
