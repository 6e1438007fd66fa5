# shellcheck shell=bash
# What the tests of the examples share: each program runs in a new workspace and must say what expected/ has.

examples=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034 # of those that source this
topics=(store events units search ingest async settings relay deliver)
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

# try TOPIC COMMAND...: in a workspace whose obs.yaml has the lines of data/TOPIC.yaml, too, where there are some.
try() {
    local topic=$1 said=$work/$1.said
    shift
    obsctl init "$work/$topic" >/dev/null
    [[ ! -e $examples/data/$topic.yaml ]] || cat "$examples/data/$topic.yaml" >>"$work/$topic/obs.yaml"
    (cd "$work/$topic" && "$@") >"$said" || { echo "$topic failed: $*" && return 1; }
    diff -u "$examples/expected/$topic.txt" "$said"
}
