# shellcheck shell=bash
# Words to the reader, and what all parts of ./dev share.

called_from=${OLDPWD:-$PWD}
tools=$PWD/build/tools
jobs=$(nproc 2>/dev/null || echo 2)

bold='' red='' green='' yellow='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
fi
# shellcheck disable=SC2034  # used by the files that source this one
readonly bold red green yellow plain called_from tools jobs

say() {
    printf '%s==>%s %s\n' "$bold" "$plain" "$*"
}

die() {
    printf './dev: %s\n' "$*" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# Whether somebody is there to answer a question.
interactive() {
    [[ -t 0 && -t 1 && ${CI:-} != true ]]
}

# at_least 1.24 1.26.8: whether the second version is not older than the first.
at_least() {
    [[ $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]
}
