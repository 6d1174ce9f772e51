"""Runs a project's `__main__.py` in this process, against a backend instead of Pulumi's engine."""

import gc
import logging
import os
import runpy
import sys
import traceback
from pathlib import Path

import pulumi
from pulumi.runtime import config, mocks
from pulumi.runtime.settings import configure, set_root_resource
from pulumi.runtime.stack import run_in_stack
from pulumi.runtime.sync_await import _sync_await

from vectordb.errors import VectordbError
from vectordb.plan.recorder import Backend, Recorder
from vectordb.plan.recording import Recording
from vectordb.plan.stack_configuration import StackConfiguration


def run(configuration: StackConfiguration, backend: Backend) -> Recording:
    """Run the program of `configuration` once and return what it registered.

    The working directory is the project's while the program runs, as the Pulumi CLI sets it.

    Raises:
        VectordbError: the program refused its configuration (the message is the program's own), made a mistake (its
            trace), or a resource could not be made (the backend's own error).
    """
    recorder = Recorder(backend)
    # What pulumi.runtime.mocks.set_mocks does, but for the root stack: run_in_stack makes it, as it does for the engine.
    configure(
        mocks.MockSettings(  # type: ignore[no-untyped-call]  # the SDK has no types here
            monitor=recorder,
            monitor_features=set(recorder.GetDeploymentInfo(None).supportedFeatures),  # type: ignore[no-untyped-call]  # as above
            engine=mocks.MockEngine(logging.getLogger("vectordb.program")),
            project=configuration.project,
            stack=configuration.stack,
            dry_run=backend.preview,
            organization="organization",
            callbacks=None,
        )
    )
    set_root_resource(None)  # type: ignore[arg-type]  # there is none yet; run_in_stack insists on that
    config.set_all_config(dict(configuration.values), sorted(configuration.secrets))
    # pulumi_aws imports a hundred thousand objects that stay: looking for garbage among them takes a quarter of the time.
    collecting, first = gc.isenabled(), "pulumi_aws" not in sys.modules
    gc.disable()
    directory, path = os.getcwd(), list(sys.path)  # noqa: PTH109 - restored below, never interpreted
    os.chdir(configuration.directory)
    sys.path.insert(0, str(configuration.directory))
    try:
        _sync_await(run_in_stack(lambda: _execute(configuration)))
    except Exception as error:
        raise _explained(error, configuration) from error
    finally:
        if first:
            gc.freeze()  # nor is there any later, when it is on again or the process ends
        if collecting:
            gc.enable()
        os.chdir(directory)
        sys.path[:] = path
    return Recording(
        configuration.project,
        configuration.stack,
        tuple(recorder.registrations),
        recorder.outputs,
        tuple(recorder.lookups),
    )


def _explained(error: Exception, configuration: StackConfiguration) -> VectordbError:
    """The cause under the layers that the SDK wraps around it."""
    cause: BaseException = error
    seen: list[BaseException] = []  # the SDK chains its exceptions into circles
    while not isinstance(cause, VectordbError | pulumi.RunError) and (inner := cause.__cause__ or cause.__context__):
        if inner in seen:
            break
        seen.append(inner)
        cause = inner
    if isinstance(cause, VectordbError):
        return cause
    if isinstance(cause, pulumi.RunError):
        return VectordbError(str(cause))
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _of_the_program(f.filename, configuration)]
    if isinstance(cause, SyntaxError):
        place = "".join(traceback.format_exception_only(cause)[:-1])  # the line and where in it
    else:
        place = "".join(traceback.format_list(frames or traceback.extract_tb(cause.__traceback__)[-1:]))
    return VectordbError(f"The program failed: {type(cause).__name__}: {cause}\n{place}".rstrip())


def _of_the_program(file: str, configuration: StackConfiguration) -> bool:
    """Whether a file is the author's: neither of this package nor of what is installed, which may lie in the project."""
    ours = (sys.prefix, str(Path(__file__).parents[1]))
    return file.startswith(str(configuration.directory)) and not file.startswith(ours)


def _execute(configuration: StackConfiguration) -> None:
    runpy.run_path(str(configuration.directory / "__main__.py"), run_name="__main__")
