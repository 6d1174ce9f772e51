#!/bin/sh
# Makes .venv from requirements.lock. Nothing is written outside .venv: pip and uv keep their caches inside it, and
# uv's is removed at the end (its files are hard links, so nothing is copied twice). Run it again after a failure.
set -eu

python=${PYTHON:-python3}
say() { printf '%s\n' "$*" >&2; }

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    say "Python 3.11 or later is needed; '$python' is $("$python" --version 2>&1 || echo absent). Try: make up PYTHON=python3.12"
    exit 1
fi
if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    rm -rf .venv
    "$python" -m venv .venv || { say "No virtual environment could be made. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
fi

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_CACHE_DIR="$PWD/.venv/uv-cache" UV_NO_PROGRESS=1 UV_SYSTEM_CERTS=1
say "Installing into .venv (once, about 15 s) ..."
if [ "$(.venv/bin/uv --version 2>/dev/null | cut -d' ' -f2)" != "$UV_VERSION" ]; then
    .venv/bin/python -m pip install --quiet "uv==$UV_VERSION"
fi
.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps "uv==$UV_VERSION"

# The embedding worker's libraries for Lambda's arm64, of the lock's own versions and hashes (docs/decisions/010-worker-package.md).
worker=.venv/lambda-arm64
.venv/bin/python scripts/worker_lock.py >.venv/lambda-arm64.lock
rm -rf "$worker"
.venv/bin/uv pip install --quiet --target "$worker" --python-platform aarch64-manylinux_2_28 --python-version 3.13 \
    --only-binary :all: --require-hashes --no-deps --no-compile-bytecode -r .venv/lambda-arm64.lock
rm -rf "$UV_CACHE_DIR"

# uv compiles nothing, and compiling on first use would be paid by the first command. Importing what the command line,
# the program and the stand-ins import compiles exactly that.
env -u PYTHONDONTWRITEBYTECODE .venv/bin/python scripts/compile.py
touch .venv/installed
