"""A process that has talked gRPC can start others."""

import subprocess
import sys

PROGRAM = """
import vectordb
from concurrent import futures
import ctypes, subprocess
import grpc

server = grpc.server(futures.ThreadPoolExecutor(2))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
channel = grpc.insecure_channel(f"127.0.0.1:{port}")
grpc.channel_ready_future(channel).result(30)
before = ctypes.CDLL(None).getpid
codes = [subprocess.run(["/bin/true"], preexec_fn=before).returncode for _ in range(400)]
server.stop(None)
print(sum(code != 0 for code in codes))
"""


def test_no_child_dies_between_fork_and_exec():
    """Six in four hundred did."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["0"], done.stderr[-2000:]
