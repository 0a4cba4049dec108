# Shared by scripts/run and scripts/test: sourced, not run.
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cores=$(nproc 2>/dev/null || echo 2)

fail() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# need_packages KIND...: installs what is missing of scripts/packages.  Starts no service.
need_packages() {
	local kind package missing=() kinds=" $* " sudo=()
	command -v dpkg-query >/dev/null || return 0
	while read -r kind package; do
		[[ $kinds == *" $kind "* ]] || continue
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
	done < <(grep -v '^#' "$top/scripts/packages")
	[[ ${#missing[@]} -gt 0 ]] || return 0
	echo "installing ${missing[*]}"
	if [[ $EUID -ne 0 ]]; then
		command -v sudo >/dev/null || fail "please install: ${missing[*]}"
		sudo=(sudo)
	fi
	"${sudo[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
		"${sudo[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
			apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null ||
		fail "these packages could not be installed: ${missing[*]}"
}

# The sources to build from, in a folder beside: the tree itself; or, when somebody has configured it in place (then it
# takes no second build), a copy.
source_tree() {
	local copy=$top/build/source
	if [[ ! -e $top/config.status ]]; then
		echo "$top"
		return
	fi
	mkdir -p "$copy"
	(
		cd "$top" || exit 1
		if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
			git ls-files -z --cached --others --exclude-standard
		else
			find . -path ./build -prune -o -path ./var -prune -o -type f \
				! -name '*.o' ! -name '*.a' ! -name config.status ! -name Makefile -print0
		fi | while IFS= read -r -d '' file; do [[ -f $file ]] && printf '%s\0' "$file"; done |
			tar --null -T - -cf -
	) | tar -xf - -C "$copy" && echo "$copy"
}

# build DIR OPTION...: configures DIR when that is to be done, and makes all programs.
build() {
	local dir=$1 source
	shift
	source=$(source_tree) || return
	if [[ ! -x $source/configure || $source/configure.ac -nt $source/configure ||
		! -e $source/Makefile.in || $source/Makefile.am -nt $source/Makefile.in ]]; then
		(cd "$source" && autoreconf -i) || return
	fi
	mkdir -p "$dir"
	if [[ ! -e $dir/Makefile ]]; then
		(cd "$dir" && "$source/configure" --silent "$@") || return
	fi
	make -C "$dir" -s -j"$cores" all
}
