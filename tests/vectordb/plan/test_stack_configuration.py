import json

import pytest

from vectordb.errors import VectordbError
from vectordb.plan import stack_configuration


@pytest.fixture
def project(tmp_path):
    (tmp_path / "Pulumi.yaml").write_text(
        "name: shop\nruntime: python\nconfig:\n  aws:region:\n    value: eu-west-1\n  size: 3\n"
    )
    (tmp_path / "Pulumi.dev.yaml").write_text(
        "config:\n  shop:list: [1, {a: true}]\n  shop:flag: false\n  shop:text: 'on'\n  shop:key:\n    secure: v1:abc\n"
    )
    return tmp_path


def test_values_arrive_as_the_engine_passes_them(project):
    configuration = stack_configuration.read(project, "dev")
    assert configuration.values == {
        "aws:region": "eu-west-1",
        "shop:size": "3",
        "shop:list": json.dumps([1, {"a": True}]),
        "shop:flag": "false",
        "shop:text": "on",
        "shop:key": "[secret]",
    }
    assert configuration.secrets == {"shop:key"}
    assert configuration.region == "eu-west-1"


def test_a_moment_without_quotes_stays_text(project):
    (project / "Pulumi.dev.yaml").write_text(
        "config:\n  shop:at: 2026-01-31\n  shop:from: {at: 2026-01-31T12:00:00Z}\n"
    )
    values = stack_configuration.read(project, "dev").values
    assert (values["shop:at"], values["shop:from"]) == ("2026-01-31", '{"at": "2026-01-31T12:00:00Z"}')


def test_an_unknown_stack_names_the_nearest(project):
    with pytest.raises(VectordbError) as error:
        stack_configuration.read(project, "dve")
    assert error.value.exit_code == 2
    assert error.value.remedy == "Did you mean 'dev'? Stacks here: dev. Choose one with --stack."


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2", "\xff\xfe".encode("latin-1")])
def test_a_file_that_is_no_mapping(project, text):
    file = project / "Pulumi.dev.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(VectordbError, match=r"Pulumi\.dev\.yaml"):
        stack_configuration.read(project, "dev")


def test_an_empty_stack_file_configures_nothing(project):
    (project / "Pulumi.dev.yaml").write_text("")
    assert stack_configuration.read(project, "dev").values == {"aws:region": "eu-west-1", "shop:size": "3"}


def test_the_program_is_where_main_says(project):
    program = project / "programs" / "search"
    program.mkdir(parents=True)
    (program / "__main__.py").write_text("")
    for main in ("programs/search", "programs/search/__main__.py"):
        (project / "Pulumi.yaml").write_text(f"name: shop\nruntime: python\nmain: {main}\n")
        assert stack_configuration.read(project, "dev").directory == program


def test_a_program_that_is_not_there(project):
    (project / "Pulumi.yaml").write_text("name: shop\nruntime: python\nmain: elsewhere\n")
    with pytest.raises(VectordbError, match=r"there is no Python program in .*elsewhere"):
        stack_configuration.read(project, "dev")
