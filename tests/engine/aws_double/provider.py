"""The provider's protocol (proto/pulumi/provider.proto), answered out of an account."""

import contextlib
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.engine.aws_double import differences
from tests.engine.aws_double.account import Account, RefusedError
from tests.engine.aws_double.wire import checked, plain, struct
from vectordb.errors import VectordbError

_LARGEST_MESSAGE = 400 << 20  # the engine's own limit
_AT_ONCE = 64
"""Calls: the engine asks for as many as have what they need."""


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The methods that the engine calls, by the protocol's names. Secrets are the engine's: it opens and wraps them.

    Without an account there are previews only.
    """

    def __init__(self, account: Account | None, version: str, look_up: Any) -> None:
        self._version, self._look_up = version, look_up
        if account is not None:
            self._account = account

    def Attach(self, request, context):  # noqa: N802 - the protocol's names, here and below
        return empty_pb2.Empty()

    def Handshake(self, request, context):  # noqa: N802
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(self, request, context):  # noqa: N802
        return plugin_pb2.PluginInfo(version=self._version)

    def CheckConfig(self, request, context):  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request, context):  # noqa: N802
        return provider_pb2.DiffResponse()

    def Configure(self, request, context):  # noqa: N802
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Cancel(self, request, context):  # noqa: N802
        return empty_pb2.Empty()

    def Invoke(self, request, context):  # noqa: N802
        try:
            found = self._look_up(request.tok, plain(request.args))
        except VectordbError as error:
            return provider_pb2.InvokeResponse(failures=[provider_pb2.CheckFailure(reason=str(error))])
        return provider_pb2.InvokeResponse(**{"return": struct(found)})

    def Check(self, request, context):  # noqa: N802
        return provider_pb2.CheckResponse(inputs=struct(checked(plain(request.news))))

    def Diff(self, request, context):  # noqa: N802
        return differences.diff(_type(request.urn), plain(request.old_inputs), plain(request.news))

    def Create(self, request, context):  # noqa: N802
        inputs = plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=struct(inputs))
        with _refusals(context):
            made, state = self._account.create(request.urn, _type(request.urn), _name(request.urn), inputs)
            return provider_pb2.CreateResponse(id=made, properties=struct(state))

    def Read(self, request, context):  # noqa: N802
        there = self._account.read(_type(request.urn), request.id)
        if there is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, properties=struct(there.state), inputs=struct(there.inputs))

    def Update(self, request, context):  # noqa: N802
        inputs = plain(request.news)
        if request.preview:
            before, made_from = plain(request.olds), plain(request.old_inputs)
            kept = {key: value for key, value in before.items() if key not in made_from}
            return provider_pb2.UpdateResponse(properties=struct(kept | inputs))
        with _refusals(context):
            return provider_pb2.UpdateResponse(
                properties=struct(self._account.update(_type(request.urn), request.id, inputs))
            )

    def Delete(self, request, context):  # noqa: N802
        with _refusals(context):
            self._account.delete(_type(request.urn), request.id)
        return empty_pb2.Empty()


@contextlib.contextmanager
def serving(provider: Provider) -> Iterator[int]:
    """The port on 127.0.0.1 at which the provider answers."""
    limits = [("grpc.max_receive_message_length", _LARGEST_MESSAGE), ("grpc.max_send_message_length", _LARGEST_MESSAGE)]
    server = grpc.server(futures.ThreadPoolExecutor(_AT_ONCE), options=limits)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


@contextlib.contextmanager
def _refusals(context: grpc.ServicerContext) -> Iterator[None]:
    try:
        yield
    except (RefusedError, VectordbError) as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]
