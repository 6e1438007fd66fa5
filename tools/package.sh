# shellcheck shell=bash
# Makes what is published, in build/packages: the source archive and the Debian packages.

readonly packages=$PWD/build/packages package_build=$PWD/build/package
declare -A package_text=(
    [libobs-sdk1]="libobs: identity, storage, events, configuration and audit for observatories"
    [libobs-sdk-dev]="Headers and build files of libobs (the observatory's, not OBS Studio's)"
    [obsctl]="Command line of libobs"
)
declare -A package_component=([libobs-sdk1]=library [libobs-sdk-dev]=development [obsctl]=command)

package_version() {
    sed -nE 's/^project\(obs VERSION ([0-9.]+).*/\1/p' CMakeLists.txt
}

# The same source gives the same bytes: times are those of the last commit.
package() {
    local version name launcher=()
    have ccache && launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
    version=$(package_version)
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
    export SOURCE_DATE_EPOCH
    rm -rf "$packages" && mkdir -p "$packages"
    git archive --format=tar --prefix="libobs-$version/" HEAD | gzip -n >"$packages/libobs-$version.tar.gz"
    cmake -S . -B "$package_build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=OFF -DCMAKE_INSTALL_PREFIX=/usr \
        -DCMAKE_INSTALL_LIBDIR="lib/$(gcc -print-multiarch)" -DCMAKE_SKIP_INSTALL_RPATH=ON \
        -DCMAKE_C_FLAGS="-ffile-prefix-map=$PWD=." "${launcher[@]}" >/dev/null
    cmake --build "$package_build" -j "$jobs" -- --quiet
    for name in libobs-sdk1 libobs-sdk-dev obsctl; do
        package_deb "$name" "$version"
    done
    (cd "$packages" && sha256sum -- *.tar.gz *.deb >SHA256SUMS && cat SHA256SUMS)
}

package_deb() {
    local name=$1 version=$2 tree=$package_build/$1
    rm -rf "$tree" && mkdir -p "$tree/DEBIAN"
    DESTDIR=$tree cmake --install "$package_build" --component "${package_component[$name]}" --strip >/dev/null
    [[ -n $(find "$tree/usr" -type f 2>/dev/null) ]] || { say "nothing to put into $name" && return; }
    install -Dm644 LICENSE "$tree/usr/share/doc/$name/copyright"
    cat >"$tree/DEBIAN/control" <<CONTROL
Package: $name
Version: $version
Architecture: $(dpkg --print-architecture)
Section: $([[ $name == *-dev ]] && echo libdevel || echo libs)
Priority: optional
Maintainer: The libobs contributors <maintainers@libobs.invalid>
Depends: $(package_depends "$name" "$version")$([[ $name != libobs-sdk1 ]] || printf '\nRecommends: libcfitsio10 | libcfitsio10t64')$([[ $name != obsctl ]] || printf '\nSuggests: gnuplot-nox')
Description: ${package_text[$name]}
 It stands beside OBS Studio's packages: no file and no symbol in common.
CONTROL
    if [[ $name == libobs-sdk1 ]]; then
        echo "libobs 1 libobs-sdk1 (>= $version)" >"$tree/DEBIAN/shlibs"
        echo "activate-noawait ldconfig" >"$tree/DEBIAN/triggers"
    fi
    find "$tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group --build "$tree" "$packages/${name}_${version}_$(dpkg --print-architecture).deb" >/dev/null
}

# What the binaries of a package need; our own library is told by shlibs.local, as it is in no package yet. libcurl is not to be
# seen in any binary (docs/decisions/libcurl-when-needed.md). Neither is cfitsio, without which only FITS headers stay unread.
package_depends() {
    local own="libobs-sdk1 (= $2)" loaded="" binaries
    [[ $1 != libobs-sdk-dev ]] || { echo "$own" && return; }
    [[ $1 != libobs-sdk1 ]] || loaded=", libcurl4 (>= 7.85)"
    mapfile -t binaries < <(find "$package_build/$1/usr" -type f \( -name '*.so.*' -o -path '*/bin/*' \))
    mkdir -p "$package_build/debian"
    echo "Source: libobs" >"$package_build/debian/control"
    echo "libobs 1 $own" >"$package_build/debian/shlibs.local"
    (cd "$package_build" && dpkg-shlibdeps -O "-l$package_build/lib" "${binaries[@]}") | sed -n "s/^shlibs:Depends=//p" | sed "s/\$/$loaded/"
}
