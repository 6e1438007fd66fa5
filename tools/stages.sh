# shellcheck shell=bash
# Runs stages one after the other and keeps the table. A stage is a function `stage_<name>`; what it prints goes to
# build/logs/<name>.log. It may call `counted PASSED FAILED SKIPPED`; without that it counts as one test.
# A skip is a line `SKIPPED <what>: <why>` anywhere in its output, or the exit status 77.

logs=$PWD/build/logs
stage_table=()
total_passed=0 total_failed=0 total_skipped=0 stage_failed=0
skip_lines=()

counted() {
    printf '%s %s %s\n' "$1" "$2" "$3" >"$stage_count"
}

# skip WHAT WHY: ends the stage as skipped.
skip() {
    printf 'SKIPPED %s: %s\n' "$1" "$2"
    exit 77
}

# show_failure LOG: its end, and after it once more what failed and why, wherever in the log it stands.
show_failure() {
    {
        tail -n "${STAGE_LINES:-80}" "$1"
        printf -- '---- what failed, from %s\n' "${1#"$PWD/"}"
        grep -aE '^(FAILED|FAIL:|ERROR:|E  ) |^[A-Za-z.]*(Error|Exception): |^ *--- FAIL: |_test\.go:[0-9]+: |(error|warning): |ERROR: [A-Za-z]+Sanitizer|WARNING: ThreadSanitizer|^SUMMARY: |^Segmentation fault|^[[:space:]]+[0-9]+ - .* \(.*\)$' "$1" |
            tail -n 40 || true # none of these: the end of the log has to do
    } | sed 's/^/    /'
}

# stage NAME: runs it, prints one line, and the end of its log with what failed when it failed.
stage() {
    local name=$1 log=$logs/$1.log status=0 begun=$SECONDS passed=1 failed=0 skipped=0
    stage_count=$logs/$name.count
    mkdir -p "$logs"
    rm -f "$stage_count"
    printf '%-14s' "$name"
    # Not part of a condition, so that `set -e` keeps its meaning inside the stage.
    set +e
    (
        set -e
        "stage_$name"
    ) >"$log" 2>&1 </dev/null
    status=$?
    set -e
    mapfile -t -O "${#skip_lines[@]}" skip_lines < <(grep -ahoE 'SKIPPED [^:]+: .*' "$log" | sort -u)
    case $status in
    0) ;;
    77) passed=0 skipped=1 ;;
    *) passed=0 failed=1 ;;
    esac
    if [[ -e $stage_count ]]; then
        read -r passed failed skipped <"$stage_count"
        ((status == 0 || status == 77 || failed > 0)) || failed=1
    fi
    total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed)) total_skipped=$((total_skipped + skipped))
    stage_table+=("$(printf '%-14s %7d %7d %7d %8d' "$name" "$passed" "$failed" "$skipped" $((SECONDS - begun)))")
    stage_failed=$failed
    if ((failed)); then
        printf '%sfailed%s  %d s\n' "$red" "$plain" $((SECONDS - begun))
        show_failure "$log"
    elif ((passed == 0)); then
        printf '%sskipped%s\n' "$yellow" "$plain"
    else
        printf '%sok%s  %d, %d s\n' "$green" "$plain" "$passed" $((SECONDS - begun))
    fi
}

# Whether a skip is named, with its reason, in tests/skips.txt.
skip_allowed() {
    local what=${1#SKIPPED }
    grep -v '^#' tests/skips.txt 2>/dev/null | cut -d: -f1 | grep -qxF -- "${what%%:*}"
}

# finish STRICT: the table, the skips, and the closing line; fails when a test failed or, if strict, a skip is not listed.
finish() {
    local strict=$1 line unlisted=0
    printf '\n%-14s %7s %7s %7s %8s\n' stage passed failed skipped seconds
    printf '%s\n' "${stage_table[@]}"
    if ((${#skip_lines[@]})); then
        printf '\n'
        while read -r line; do
            if skip_allowed "$line"; then
                printf '%s\n' "$line"
            else
                printf '%s%s\n' "$line" "$( ((strict)) && echo '   (not in tests/skips.txt)')"
                unlisted=1
            fi
        done < <(printf '%s\n' "${skip_lines[@]}" | sort -u)
    fi
    name_missing
    printf '\n'
    ((strict && unlisted)) && total_failed=$((total_failed + 1)) && echo "A skip that tests/skips.txt does not list fails this run."
    printf '%d passed, %d failed, %d skipped\n' "$total_passed" "$total_failed" "$total_skipped"
    ((total_failed == 0))
}
