#!/bin/sh
# Has the Pulumi CLI install the command provider of the version in requirements.lock, unless it is there.
set -eu

command -v pulumi >/dev/null || exit 0
command -v pulumi-resource-command >/dev/null && exit 0
pulumi plugin install resource command "$(sed -n 's/^pulumi-command==\([0-9.]*\).*/\1/p' requirements.lock)"
