# shellcheck shell=bash
# Builds by preset, and what is made from a build: the documentation, a private install tree.

# The folder of a preset.
build_folder() {
    if [[ $1 == dev ]]; then echo build; else echo "build-$1"; fi
}

build() {
    local preset=$1 folder said launcher=()
    folder=$(build_folder "$preset")
    have ccache && launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
    if [[ ! -e $folder/build.ninja ]]; then
        said=$(cmake --preset "$preset" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON "${launcher[@]}" 2>&1) || {
            printf '%s\n' "$said" >&2
            die "cmake could not configure $folder"
        }
    fi
    local quiet=(-- --quiet)
    [[ ! -t 1 ]] || quiet=() # somebody is looking: show how far it is
    cmake --build "$folder" -j "$jobs" "${quiet[@]}"
}

# Where the bindings, the examples and the packages find the library: an install tree inside build/.
stage_prefix() {
    cmake --install build --prefix "$PWD/build/prefix" >/dev/null
    export PKG_CONFIG_PATH=$PWD/build/prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
    export LD_LIBRARY_PATH=$PWD/build/prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export PATH=$PWD/build/prefix/bin:$PATH
}

# The Python binding in the project's own Python, built anew only when something of it changed.
python_binding() {
    local mark=$tools/python.stamp
    [[ -x $tools/bin/python ]] || die "no Python tools: run ./dev build once with the network"
    if [[ -e $mark && -z $(find bindings/python include src/libobs.map -newer "$mark" -type f -print -quit) ]]; then
        return
    fi
    PATH=$tools/bin:$PATH "$tools/bin/python" -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps \
        --no-index --force-reinstall ./bindings/python
    touch "$mark"
}

build_docs() {
    mkdir -p build/docs
    doxygen docs/Doxyfile
    say "build/docs/html/index.html"
}

format_sources() {
    git ls-files -z 'include/*.h' 'src/*.[ch]' 'tests/*.[ch]' 'examples/*.[ch]' 'bench/*.[ch]' 'fuzz/*.[ch]' |
        xargs -0 clang-format -i
}
