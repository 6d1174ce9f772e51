#!/bin/sh
# One issue says that a stack has drifted or breaks a policy: opened at the first bad run, continued, closed at the first good one.
# Usage: sh scripts/tell.sh RESULT, `success` or anything else; with GH_TOKEN and what GitHub Actions sets in the environment.
# Ends with 1 when the result is not success.
set -eu

result=$1
export GH_REPO="$GITHUB_REPOSITORY"
run="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
# An issue that people opened under the same label is theirs to close.
number=$(gh issue list --label compliance --state open --app github-actions --limit 1 --json number --jq '.[].number')

if [ "$result" = success ]; then
    if [ -n "$number" ]; then
        gh issue close "$number" --comment "All is as it was deployed, and within the policies: $run"
    fi
    exit 0
fi
text="The checks ended with \"$result\". What differs, or which policy says no: $run

\`make drift\` and \`make compliance\` show the same; \`make deploy\` puts a drifted stack right."
if [ -n "$number" ]; then
    gh issue comment "$number" --body "$text"
else
    gh label create compliance --force --description "What runs is not what was deployed, or breaks a policy"
    gh issue create --title "A stack has drifted or breaks a policy" --label compliance --body "$text"
fi
exit 1
