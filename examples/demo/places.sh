# shellcheck shell=bash disable=SC2154  # demo, data, work, night, tools and definitions are of the file that sources this one
# What happens in other places than the observatory's own: a web server that is down, an edge site that is cut off, a setting
# that changes while functions run, and a label that somebody means ill with. What is found goes to $work/*.json, for the report.

python=$tools/bin/python

# until_so COMMAND...: waits for the command to succeed; for a state, never for a time.
until_so() {
    local turn
    for turn in {1..3000}; do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    die "waited $turn turns for: $*"
}

# What runs beside the demonstration ends with it, whatever happens.
end_all() {
    local program
    for program in $(jobs -p); do
        kill "$program" 2>/dev/null || true
    done
}

# --- a web server that is down for a while ----------------------------------------------------------------------------

lines_in() { # lines_in FILE NUMBER: whether it has so many
    [[ -e $1 && $(wc -l <"$1") -ge $2 ]]
}

in_state() { # in_state STATE
    obsctl journal ls -d -t earth --json | grep '"destination":"alerts"' | grep -q "\"state\":\"$1\""
}

nothing_waits() {
    obsctl journal ls -d -t earth --json | grep '"destination":"alerts"' | grep -q '"waiting":0,.*"state":"ok"\|"state":"ok".*"waiting":0[,}]'
}

certificate() { # certificate FOLDER: one for this machine, which its sender is told to believe
    (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=hook \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$1/server.key" -out "$1/server.pem" 2>/dev/null)
    (umask 077 && printf 'whsec_%s\n' "$(openssl rand -base64 32)" >"$1/secret")
}

# The destination and the administrator, as docs/destinations.md has them; the times are short for the demonstration's sake.
write_destination() { # write_destination FOLDER
    cat >>"$night/obs.yaml" <<YAML
destinations:
  - name: alerts
    url: https://127.0.0.1:$(<"$1/serve.port")/alerts
    tenant: earth
    type: org.libobs.object.accepted
    sign: \${secret:file:$1/secret}
    ca: $1/server.pem
    allow: [private]
    retry: 50ms
    retry_most: 400ms
    suspend: {after: 8, for: 500ms}
administrators: ['mailto:night@example.org']
smtp: {url: 'smtp://127.0.0.1:$(<"$1/mail.port")', from: obs@example.org}
YAML
}

webhook_is_down() {
    local folder=$PWD/$work/webhook server sender code=0
    say "earth's files are told to a web server with obsctl journal run; it dies after it noted the 40th, before it answers"
    rm -rf "$folder" && mkdir -p "$folder"
    certificate "$folder"
    "$python" $demo/hook.py mail "$folder" &
    "$python" $demo/hook.py serve "$folder" --dies-after 40 &
    server=$!
    until_so test -e "$folder/mail.port"
    until_so test -e "$folder/serve.port"
    write_destination "$folder"
    obsctl journal run -t earth 2>/dev/null &
    sender=$!
    wait $server || code=$?
    [[ $code == 9 ]] || die "the web server ended with $code"
    until_so in_state suspended
    until_so lines_in "$folder/mails.ndjson" 1
    obsctl journal ls -d -t earth
    say "the administrator was told by mail; the server comes back"
    "$python" $demo/places.py mail "$folder"
    "$python" $demo/hook.py serve "$folder" &
    until_so nothing_waits
    until_so lines_in "$folder/mails.ndjson" 2
    kill $sender && { wait $sender || true; }
    "$python" $demo/places.py webhook "$folder" "$work/webhook.json"
}

# --- an edge site, cut off -------------------------------------------------------------------------------------------

# What the roof sees while nobody hears of it: frames, earthquakes, a label that means ill, and a record that is refused.
roof_alone() { # roof_alone WORKSPACE
    local OBS_WORKSPACE=$1 ill
    export OBS_WORKSPACE
    ill=$("$python" $demo/places.py ill)
    obsctl tenant create roof
    obsctl ingest -t roof --quiet --label camera=all-sky --prefix raw/roof/ "$data"/fits/*.fits
    obsctl ingest define -t roof usgs.earthquake $demo/definitions/usgs.earthquake.json
    obsctl ingest -t roof --quiet --definition usgs.earthquake --member features "$data/earthquakes/earthquakes.json"
    hostile_data "$ill"
}

relayed() { # relayed NUMBER: whether so many objects and records are at the observatory
    local counts
    counts=$(obsctl tenant show roof --json | sed -nE 's/.*"objects":([0-9]+),"records":([0-9]+).*/\1 + \2/p')
    [[ $((counts)) -ge $1 ]]
}

edge_site() {
    local roof=$PWD/$work/roof wanted relay kills=0
    say "the site 'roof' is cut off, and works on in a workspace of its own"
    rm -rf "$roof"
    obsctl init "$roof" >/dev/null
    echo 'site: roof' >>"$roof/obs.yaml"
    roof_alone "$roof"
    obsctl tenant create roof
    say "obsctl relay roof night, killed with -9 on its way, twice; then to its end, and once more"
    for wanted in 10 500; do
        obsctl relay -t roof --limit 1MiB/s --quiet "$roof" "$night" >/dev/null 2>&1 &
        relay=$!
        until_so relayed $wanted
        if kill -9 $relay 2>/dev/null; then kills=$((kills + 1)); fi
        wait $relay 2>/dev/null || true
        obsctl tenant show roof
    done
    obsctl relay -t roof --json "$roof" "$night" | tail -n 1 | tee "$work/relayed"
    obsctl relay -t roof --json "$roof" "$night" | tail -n 1 | tee -a "$work/relayed"
    "$python" $demo/places.py edge "$roof" "$night" "$work/relayed" $kills "$work/edge.json"
    say "obsctl search --tenant roof --site roof camera=all-sky --limit 3"
    obsctl search --tenant roof --site roof camera=all-sky --limit 3
}

# --- a setting of a function that runs ---------------------------------------------------------------------------------

function_setting() {
    rm -f "$work/setting.json"
    if [[ ! -e $night/functions/photometry ]]; then
        say "no photometry here: no function whose setting could be changed"
        return
    fi
    say "obsctl config set photometry.threshold 12.5, while the function photometry measures one frame after the other"
    "$python" $demo/places.py setting "$data/fits/m13.fits" "$work/setting.json"
}

# --- a label that somebody means ill with -----------------------------------------------------------------------------

hostile_data() { # hostile_data TEXT: in labels, values, metadata, a key, an event and what is refused
    local ill=$1 number
    for number in 1 2 3 4 5; do
        printf 'frame %s\n' "$number" | obsctl put -t roof - "raw/roof/ill-$number" --label "object=$ill" --label trap=yes \
            --value "object=$ill" --value "mag=1$number.5" --value "mjd=6100$number.25" --value "ra=1$number.0" --value dec=12.5 \
            --meta "note=$ill" --type text/plain >/dev/null
    done
    printf 'frame\n' | obsctl put -t roof - "raw/roof/$ill" --label trap=yes --from raw/roof/ill-1 --type text/plain >/dev/null
    obsctl publish -t roof org.example.trap --subject "raw/roof/ill-1" --data "$("$python" $demo/places.py ill --json)" >/dev/null
    "$python" $demo/places.py ill --json >"$work/ill.ndjson"
    obsctl ingest define -t roof mseed.record $demo/definitions/mseed.record.json
    obsctl ingest -t roof --quiet --definition mseed.record "$work/ill.ndjson"
}

# Each command that could show it, to a file; none may hold what a terminal or a browser would obey.
hostile_label() {
    local folder=$work/hostile ill
    ill=$("$python" $demo/places.py ill)
    say "a label that means ill, as obsctl shows it"
    rm -rf "$folder" && mkdir -p "$folder"
    shown() { # shown NAME WORD...
        local name=$1
        shift
        obsctl "$@" -t roof >"$folder/$name" 2>&1 || die "obsctl $* failed: $(<"$folder/$name")"
    }
    shown search.txt search trap=yes
    shown search.json search trap=yes --json
    shown ls.txt ls --recursive raw/roof/
    shown stat.txt stat raw/roof/ill-1
    shown stat.json stat raw/roof/ill-1 --json
    shown labels.txt labels raw/roof/ill-1
    shown lineage.txt lineage "raw/roof/$ill"
    shown lineage.dot lineage "raw/roof/$ill" --dot
    shown log.txt ingest log --result refused
    shown log.json ingest log --result refused --json
    shown stats.txt ingest stats --by reason
    shown errors.txt errors
    shown events.json subscribe trap --type 'org.example.*' --wait 0 --peek
    shown audit.txt audit query --object 'raw/roof/<*'
    shown curve.txt graph light-curve trap=yes --by object --title "$ill" --width 100
    shown curve.json graph light-curve trap=yes --by object --json
    if have gnuplot; then
        shown curve.svg graph light-curve trap=yes --by object --title "$ill" --output -
        shown sky.svg graph sky trap=yes --by object --title "$ill" --output -
    fi
    head -n 3 "$folder/search.txt"
    "$python" $demo/places.py hostile "$folder" "$work/hostile.json"
}
