# shellcheck shell=bash disable=SC2154,SC2086  # demo, data, work, night and tools are of examples/demo/run
# The functions of the demonstration: built, put into the workspace, run while some of them are killed, and what they made is
# compared with what others make of the same files. examples/demo/run sources it.

# Those whose language or packages are here; the others are named.
functions_here=(light-curve weather-product)
if "$tools/bin/python" -c 'import astropy, metar, obspy, pandas, photutils' 2>/dev/null; then
    functions_here+=(photometry catalogue seismogram)
    has_sky=true
else
    has_sky=false
fi

build_functions() {
    local from=$PWD/$demo/functions to=$PWD/$work/functions name
    mkdir -p "$to"
    # shellcheck disable=SC2046
    cc -std=c17 -D_GNU_SOURCE -O2 -Wall -Wextra -o "$to/light-curve" "-I$demo" $demo/functions/light-curve/*.c $demo/obs80.c \
        $(pkg-config --cflags --libs obs jansson) -lm
    # -trimpath: the same code has the same digest, wherever it lies. Go's cache then takes two checkouts for one, and would link
    # with the library of the other, unless its folder is told in a way that counts.
    for name in weather-product catalogue; do
        (cd "$from" && CGO_LDFLAGS="-O2 -g $(pkg-config --libs-only-L obs)" \
            go build -trimpath -buildvcs=false -o "$to/$name" "./$name")
    done
}

# functions/NAME of the workspace: nobody else may write there, and what is not of the function does not count for its digest.
install_functions() {
    local name from to
    $has_sky || say "missing: astropy, obspy and photutils; without them no photometry, no catalogue and no seismogram"
    (umask 077 && mkdir -p "$night/functions")
    for name in "${functions_here[@]}"; do
        from=$demo/functions/$name to=$night/functions/$name
        mkdir -m 700 "$to"
        (umask 077 && sed "s|@PYTHON@|$tools/bin/python|; s|@LIBRARY@|$PWD/build/prefix/lib|" \
            "$from/function.yaml" >"$to/function.yaml")
        [[ ! -e $from/handler.py ]] || install -m 600 "$from/handler.py" "$to/handler.py"
        [[ ! -x $work/functions/$name ]] || install -m 700 "$work/functions/$name" "$to/$name"
    done
    obsctl function list
}

# Until nothing waits, while workers and runners are killed; and then what they made, beside what others make of the same.
run_functions() {
    local earth=photometry,catalogue,seismogram options=()
    rm -f "$work/kills.json" "$work/oracles.json" # what is not counted anew is not shown
    say "obsctl function run --once, while workers and runners are killed with -9"
    $has_sky || earth='' # and fewer kills: there is not enough work for 20
    "$tools/bin/python" $demo/kills.py "$night" "$work/kills.json" planets=light-curve weather=weather-product \
        ${earth:+earth=$earth}
    say "obsctl lineage --tenant planets products/light-curve/mpc_obs.dat.json"
    obsctl lineage --tenant planets products/light-curve/mpc_obs.dat.json
    ! $all || options=(--all)
    say "what the functions made, compared with what others make of the original files"
    $has_sky || {
        say "not compared: astropy, obspy, photutils, pandas and metar are not here"
        return
    }
    "$tools/bin/python" $demo/oracles.py "${options[@]}" $data "$work/oracles.json"
    say "obsctl lineage --tenant earth products/catalogue/m13.fits.csv"
    obsctl lineage --tenant earth products/catalogue/m13.fits.csv
    say "obsctl reproduce: one product of each function is made again"
    obsctl reproduce --tenant planets products/light-curve/mpc_obs.dat.json
    obsctl reproduce --tenant weather products/weather/seattle-temps.csv.json
    obsctl reproduce --tenant earth products/photometry/m13.fits.json
    obsctl reproduce --tenant earth products/catalogue/m13.fits.csv
    obsctl reproduce --tenant earth products/seismogram/gaps.mseed.json
}
