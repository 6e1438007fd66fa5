# shellcheck shell=bash
# The stages of `./dev test` and `./dev test --all`.

readonly quick_stages=(build unit python go examples)
readonly all_stages=(shell format build unit exports readme docs python bundled go go_checked examples demo faults clang asan tsan valgrind fuzz
    abi package beside coverage)
# What workspaces keep outside of themselves is not to pile up where the user keeps his.
export XDG_STATE_HOME=$PWD/build/state
export OBS_TEST_SHARED=${OBS_TEST_SHARED:-$PWD/../shared}

test_main() {
    local strict=0 name stages=("${quick_stages[@]}")
    case ${1:-} in
    --all) strict=1 stages=("${all_stages[@]}") ;;
    --list)
        printf '%s\n' "${all_stages[@]}"
        return
        ;;
    ?*) stages=("$@") ;;
    esac
    setup core python go
    [[ " ${stages[*]} " != *" clang "* ]] || setup checks docs package data sky
    for name in "${stages[@]}"; do
        declare -F "stage_$name" >/dev/null || die "no stage is called '$name': ./dev test --list"
        stage "$name"
        if [[ $name == build && $stage_failed != 0 ]]; then
            break # nothing else can tell more
        fi
    done
    finish "$strict"
}

# Stages that need the shared library where it would be installed.
needs_prefix() {
    stage_prefix
}

# ctest_in FOLDER [OPTION...]: runs and counts.
ctest_in() {
    local folder=$1 log=$1/Testing/Temporary/LastTest.log status=0 text failed total
    shift
    text=$(ctest --test-dir "$folder" -j "$jobs" --output-on-failure --no-tests=error "$@" 2>&1) || status=$?
    printf '%s\n' "$text"
    grep -aoE '^SKIPPED .*' "$log" || true
    total=$(sed -nE 's/.* tests failed out of ([0-9]+)$/\1/p' <<<"$text")
    failed=$(sed -nE 's/.*, ([0-9]+) tests failed out of .*/\1/p' <<<"$text")
    counted $((${total:-0} - ${failed:-0})) "${failed:-1}" "$(grep -acE '^SKIPPED ' "$log" || true)"
    return "$status"
}

stage_build() {
    build dev
}

stage_unit() {
    ctest_in build -LE fault
}

stage_faults() {
    ctest --test-dir build -N -L fault | grep -q 'Total Tests: 0' && skip faults "no fault test is written yet"
    (stage_prefix && ctest_in build -L fault) # installed: what looks for secrets in Python and Go needs their library
}

stage_clang() {
    have clang || skip clang "clang is not installed"
    build clang
    ctest_in build-clang -LE 'fault|once'
}

stage_asan() {
    build asan
    ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 OBS_TEST_SLOW=5 ctest_in build-asan -LE 'fault|once'
}

stage_tsan() {
    # Without fixed addresses some kernels give the sanitizer a layout that it refuses.
    build tsan
    OBS_TEST_SLOW=10 TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 setarch -R bash -c "$(declare -f ctest_in counted)
        jobs=$jobs stage_count='$stage_count'; ctest_in build-tsan -LE 'fault|once'"
}

# One program under valgrind; what it says goes to a file of its own. A leak is looked for in the test itself, not in the
# children it forks: they leave what they inherited alone, on purpose.
valgrind_one() {
    local name=$1 program=build/tests/${1//\//_} log=$logs/valgrind/${1//\//_} begun=$SECONDS
    {
        if timeout 1800 valgrind --error-exitcode=99 --suppressions=tests/valgrind.supp --child-silent-after-fork=yes \
            --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=none --log-file="$log" "$program" &&
            ! grep -q 'definitely lost in' "$log"; then
            touch "$log.passed"
        else
            grep -vE 'unhandled|syscall|README|handler|Nevertheless|valgrind.org' "$log" | head -60
            echo "FAILED under valgrind: $name"
        fi
    } >"$log.out" 2>&1
    printf '%s: %d s\n' "$name" $((SECONDS - begun)) >>"$log.out"
}

# The tests of the core, so many at once as there are processors; those labelled slow are left out.
stage_valgrind() {
    local name log passed=0 names=()
    have valgrind || skip valgrind "valgrind is not installed"
    export OBS_TEST_SLOW=20
    rm -rf "$logs/valgrind" && mkdir -p "$logs/valgrind"
    for name in $(ctest --test-dir build -N -LE 'fault|once|slow' | sed -nE 's/^ *Test +#[0-9]+: (.*)/\1/p'); do
        [[ -x build/tests/${name//\//_} ]] || continue
        names+=("$name")
        (($(jobs -rp | wc -l) < jobs)) || wait -n
        valgrind_one "$name" &
    done
    wait
    for name in "${names[@]}"; do
        log=$logs/valgrind/${name//\//_}
        cat "$log.out"
        [[ ! -e $log.passed ]] || passed=$((passed + 1))
    done
    counted "$passed" $((${#names[@]} - passed)) 0
    ((passed == ${#names[@]}))
}

stage_python() {
    local text
    [[ -d bindings/python/tests ]] || skip python "bindings/python/tests is not written yet"
    [[ -x $tools/bin/python ]] || skip python "no Python tools"
    needs_prefix
    python_binding
    text=$("$tools/bin/python" -m pytest -q -rfEs -p no:cacheprovider -o tmp_path_retention_policy=none bindings/python/tests examples/demo 2>&1) || { echo "$text"; counted_pytest "$text"; return 1; }
    echo "$text"
    sed -nE 's/^SKIPPED \[[0-9]+\] ([^:]+):[0-9]+: (.*)/SKIPPED python \1: \2/p' <<<"$text"
    counted_pytest "$text"
}

# The whole demonstration; with the files of ../shared when they are there. night/ of a person is left alone.
stage_demo() {
    local options=() text
    [[ -x $tools/bin/python ]] || skip demo "no Python tools"
    go_is_new || skip demo "Go $go_minimum or newer is not here"
    if [[ -d ../shared/data ]]; then
        options=(--all)
    else
        echo "SKIPPED demonstration --all: the files of ../shared/data are not here"
    fi
    text=$(OBS_DEMO_NIGHT=$PWD/build/night examples/demo/run "${options[@]}" 2>&1) || { echo "$text"; counted 0 1 0; return 1; }
    tail -n 30 <<<"$text"
    counted 1 0 "$((${#options[@]} == 0))"
}

counted_pytest() {
    local last
    last=$(tail -n 1 <<<"$1")
    number() { grep -oE "[0-9]+ $1" <<<"$last" | cut -d' ' -f1 | head -n 1; }
    counted "$(($(number passed) + 0))" "$(($(number failed) + $(number error) + 0))" "$(($(number skipped) + 0))"
}

stage_go() {
    local text status=0
    [[ -d bindings/go ]] || skip go "bindings/go is not written yet"
    go_is_new || skip go "Go $go_minimum or newer is not here"
    needs_prefix
    [[ -z $(gofmt -l bindings/go tests/deliver/go) ]] || { gofmt -d bindings/go tests/deliver/go && return 1; }
    (cd bindings/go && go vet ./...)
    text=$(go_tests 2>&1) || status=$?
    echo "$text"
    sed -nE 's/^ *--- SKIP: ([^ ]+).*/SKIPPED go \1: see its output/p' <<<"$text"
    counted "$(grep -cE '^--- PASS' <<<"$text" || true)" "$(grep -cE '^(--- )?FAIL' <<<"$text" || true)" "$(grep -cE '^(--- SKIP|SKIPPED)' <<<"$text" || true)"
    return "$status"
}

# Those of the binding, and where its modules are here those with the CloudEvents SDK.
go_tests() {
    local status=0
    (cd bindings/go && go test -count=1 -v ./...) || status=$?
    cd tests/deliver/go
    export GOPROXY=off
    if go list -deps -test . >/dev/null; then
        go vet . && go test -count=1 -v . || status=$?
    else
        echo "SKIPPED CloudEvents SDK of Go: its modules are not here"
    fi
    return "$status"
}

# The same tests with what finds races, wrong pointers between Go and C, and wrong use of memory.
stage_go_checked() {
    go_is_new || skip go_checked "Go $go_minimum or newer is not here"
    needs_prefix
    cd bindings/go
    go test -count=1 -race .
    GOEXPERIMENT=cgocheck2 go test -count=1 .
    go test -count=1 -asan .
    counted 3 0 0
}

# Without an installed library the Python package is built with one of its own inside.
stage_bundled() {
    local target=$PWD/build/bundled
    [[ -x $tools/bin/python ]] || skip bundled "no Python tools"
    rm -rf "$target"
    PKG_CONFIG_PATH='' "$tools/bin/python" -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps --no-index \
        -C build-dir="$PWD/build/python-bundled" --target "$target" ./bindings/python
    [[ -e $target/obs/libobs.so.1 ]]
    cd "$target"
    "$tools/bin/python" -c 'import obs; print(obs.__file__); obs.init("night"); print(obs.open("night").store.put("key", b"bytes"))'
}

# Each folder under examples/ may hold a program `test` that runs what is there and compares.
stage_examples() {
    local program passed=0 failed=0
    needs_prefix
    for program in examples/*/test; do
        if "$program"; then passed=$((passed + 1)); else echo "FAILED $program" && failed=$((failed + 1)); fi
    done
    counted "$passed" "$failed" 0
    ((failed == 0))
}

stage_shell() {
    local files
    have shellcheck || skip shell "shellcheck is not installed"
    mapfile -t files < <(git grep -lE '^#!.*(bash|/sh)$' -- ':!*.md')
    shellcheck -x -a "${files[@]}"
    counted "${#files[@]}" 0 0
}

stage_format() {
    local files
    have clang-format || skip format "clang-format is not installed"
    mapfile -t files < <(git ls-files 'include/*.h' 'src/*.[ch]' 'tests/*.[ch]' 'examples/*.[ch]' 'bench/*.[ch]' 'fuzz/*.[ch]')
    clang-format --dry-run -Werror "${files[@]}"
    counted "${#files[@]}" 0 0
}

stage_exports() {
    tests/check_exports --complete build/lib/libobs.so.1
}

stage_readme() {
    tests/check_readme
}

stage_docs() {
    have doxygen || skip docs "doxygen is not installed"
    build_docs
}

stage_abi() {
    have abidiff || skip abi "abidiff is not installed"
    tests/check_abi build/lib/libobs.so.1
}

stage_beside() {
    have dpkg-deb || skip beside "dpkg-deb is not installed"
    tests/check_beside build/packages
}

stage_fuzz() {
    [[ -x fuzz/replay ]] || skip fuzz "fuzz/replay is not written yet"
    fuzz/replay
}

stage_package() {
    have dpkg-deb || skip package "dpkg-deb is not installed"
    source tools/package.sh
    package
}

stage_coverage() {
    have gcovr || skip coverage "gcovr is not installed"
    build coverage
    # Other users cannot write this build's counts, and the compiler's runtime says so where a test wants silence.
    ctest --test-dir build-coverage -j "$jobs" -LE 'fault|once' -E obsctl/test_shared --output-on-failure
    gcovr -r . --object-directory build-coverage -f 'src/' --gcov-ignore-parse-errors --print-summary | tee build/coverage.txt
}
