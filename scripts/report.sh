#!/bin/sh
# Writes the report on a stack into build/report: STACK.md for a pull request, .html, .sarif and .json.
# Usage: sh scripts/report.sh STACK [COMMIT]; with a commit, what changes since it comes first. Ends as `vectordb plan` does.
set -eu

stack=$1 base=${2:-}
root=$PWD
mkdir -p build/report
set -- --stack "$stack" --json "build/report/$stack.json" --markdown "build/report/$stack.md" \
    --html "build/report/$stack.html" --sarif "build/report/$stack.sarif"
if [ -n "$base" ]; then
    commit=$(git rev-parse --quiet --verify --short "$base^{commit}") || { echo "There is no commit $base here." >&2; exit 2; }
    rm -f "build/$stack-at-"*.json
    before=$root/build/$stack-at-$commit.json # the report names it
    # The earlier program, seen with today's eyes: its own folder, this environment.
    git worktree add --quiet --force --detach build/base "$base"
    trap 'git worktree remove --force build/base' EXIT
    (cd build/base && "$root/.venv/bin/vectordb" plan --stack "$stack" --json "$before" >/dev/null) || true
    if [ -f "$before" ]; then
        set -- "$@" --diff "$before"
    else
        echo "The program of $base makes no plan of the stack $stack; there is nothing to compare with." >&2
    fi
fi
.venv/bin/vectordb plan "$@"
