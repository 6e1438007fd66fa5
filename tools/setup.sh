# shellcheck shell=bash
# Installs what is missing: from apt, and into build/tools from the Python index what Debian has too old or not at all.
# setup GROUP... is cheap when nothing is missing; what cannot be had is kept in `missing` and named at the end.

missing=()
readonly go_minimum=1.24 python_minimum=3.11

export PATH=$tools/bin:$PATH
export GOFLAGS="${GOFLAGS:+$GOFLAGS }-modcacherw" GOTOOLCHAIN=local GOMODCACHE=$tools/gomod

setup() {
    local group
    setup_apt "$@"
    for group in "$@"; do
        case $group in
        python) setup_python ;;
        go) setup_go ;;
        data) setup_data ;;
        sky) python_tools requirements-sky || missing+=("astropy, obspy, photutils, pandas, metar, cloudevents and standardwebhooks, with which functions compute, and results are compared") ;;
        bench) go_modules bench && setup_peers ;;
        esac
    done
}

# --- what apt has ---------------------------------------------------------------------------------------------------

probe() {
    local name=${1#*:}
    case $1 in
    command:*) have "$name" ;;
    pkgconfig:*) pkg-config --exists "$name" 2>/dev/null ;;
    header:*) printf '#include <%s>\n' "$name" | gcc -E -x c - >/dev/null 2>&1 ;;
    python:_headers) python3 -c 'import os,sysconfig as s; os.stat(s.get_path("include")+"/Python.h")' 2>/dev/null ;;
    python:*) python3 -c "import $name" 2>/dev/null ;;
    esac
}

# Prints the packages of these groups whose probe fails.
absent_packages() {
    local group probe package
    while read -r group probe package; do
        [[ $group != '#'* && " $* " == *" $group "* ]] || continue
        probe "$probe" || printf '%s\n' "$package"
    done <tools/packages | sort -u
}

setup_apt() {
    local absent
    mapfile -t absent < <(absent_packages "$@")
    ((${#absent[@]})) || return 0
    if have apt-get; then
        apt_install "${absent[@]}" || true
        mapfile -t absent < <(absent_packages "$@")
    fi
    ((${#absent[@]})) || return 0
    if [[ -n $(absent_packages core) ]]; then
        die "these packages are missing: run 'sudo apt-get install ${absent[*]}', then the same again"
    fi
    missing+=("${absent[@]}")
}

# as_root COMMAND...: directly as root, else by sudo.
as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        say "not root, and there is no sudo: ask an administrator to run: $*"
        return 1
    fi
}

apt_install() {
    local answer package
    say "missing; to be installed by apt-get: $*"
    if interactive && [[ $(id -u) != 0 ]]; then
        read -r -p "Install these with sudo? [Y/n] " answer
        [[ ${answer:-y} == [yY]* ]] || return 1
    fi
    as_root apt-get update -q || return 1
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" && return 0
    # One that cannot be had must not keep the others away.
    for package in "$@"; do
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$package" || true
    done
}

# --- what the Python index has ----------------------------------------------------------------------------------------

# python_tools FILE: the pinned packages of tools/FILE.txt in build/tools, once for each version of the file.
python_tools() {
    local list=tools/$1.txt stamp=$tools/$1.stamp
    cmp -s "$list" "$stamp" && return 0
    have python3 || return 1
    python3 -c "import sys; sys.exit(sys.version_info < (${python_minimum/./,}))" || return 1
    [[ -x $tools/bin/python ]] || python3 -m venv "$tools" || return 1
    say "into build/tools, from the Python index: $(sed -n 's/^\([a-z0-9_.-]*==[^ ]*\).*/\1/p' "$list" | tr '\n' ' ')"
    "$tools/bin/python" -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r "$list" || return 1
    cp "$list" "$stamp"
}

setup_python() {
    python_tools requirements || missing+=("Python tools (Python $python_minimum and its index are needed)")
}

go_is_new() {
    local version
    have go && version=$(go env GOVERSION 2>/dev/null) && at_least "$go_minimum" "${version#go}"
}

setup_go() {
    go_is_new || python_tools requirements-go || true
    go_is_new || { missing+=("Go $go_minimum or newer") && return; }
    go_modules bindings examples tests
}

# go_modules FOLDER...: the modules that these folders need, pinned by their go.sum, so that no test asks for them.
go_modules() {
    local sums sum
    mapfile -t sums < <(find "$@" -name go.sum 2>/dev/null)
    for sum in "${sums[@]}"; do
        cmp -s "$sum" "$tools/${sum//\//_}.stamp" && continue
        say "into build/tools, by Go: $(cut -d' ' -f1 "$sum" | sort -u | tr '\n' ' ')"
        (cd "$(dirname "$sum")" && go mod download) || { missing+=("Go modules of $sum") && continue; }
        mkdir -p "$tools" && cp "$sum" "$tools/${sum//\//_}.stamp"
    done
}

setup_peers() {
    python_tools requirements-bench || missing+=("dynaconf and PyJWT, which ./dev bench measures beside us")
}

setup_data() {
    have npm || python_tools requirements-npm || true
    tools/data || missing+=("data of the demonstration")
}

name_missing() {
    ((${#missing[@]})) || return 0
    printf '%sNot to be had here:%s %s\n' "$yellow" "$plain" "$(printf '%s; ' "${missing[@]}")"
    missing=()
}
