#!/bin/sh
# Puts each *.md of a folder into the pull request as a comment of its own, in the place of the last one of its name.
# Usage: sh scripts/comment.sh FOLDER; with GH_TOKEN, GITHUB_REPOSITORY and PULL_REQUEST (its number) in the environment.
set -eu

folder=$1
comments="repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments"
# Whoever reads a report has to know when its author has changed what it is made by. Only the names below are repeated.
files=$(gh api --paginate "repos/$GITHUB_REPOSITORY/pulls/$PULL_REQUEST/files" \
    --jq '.[] | .filename, (.previous_filename // empty)')
judges=$(printf '%s\n' "$files" | grep -oE '^(policy/|vectordb/|scripts/|\.github/|(Makefile|requirements\.lock|pyproject\.toml)$)' |
    sort -u | sed 's/.*/`&`/' | paste -sd ' ' -)
for file in "$folder"/*.md; do
    [ -f "$file" ] && [ ! -L "$file" ] || { echo "There is no report in $folder." >&2; exit 1; }
    mark="<!-- vectordb-report-$(basename "$file" .md) -->"
    body=$(mktemp)
    {
        echo "$mark"
        [ -z "$judges" ] || printf '> [!WARNING]\n> This pull request changes what judges it: %s. Read that first.\n\n' "$judges"
        cat "$file"
    } >"$body"
    # A comment of somebody else that has the mark is not ours to change.
    last=$(MARK=$mark gh api --paginate "$comments" \
        --jq '.[] | select(.user.login == "github-actions[bot]" and (.body | startswith(env.MARK))) | .id' | head -n 1)
    if [ -n "$last" ]; then
        gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$last" --field "body=@$body"
    else
        gh api --silent --method POST "$comments" --field "body=@$body"
    fi
    rm -f "$body"
done
