# shellcheck shell=bash
# What the scripts share: where things are, and how what is missing is installed or named.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

# Tools that these scripts install for themselves.
tools=$root/.tools
PATH=$tools/bin:$PATH

# Queries are checked against the committed .sqlx, whatever DATABASE_URL the environment holds.
# Only sqlx-prepare asks a database.
export SQLX_OFFLINE=true

readonly oldest_postgres=15
readonly nextest_version=0.9.143

say() {
    printf '==> %s\n' "$*" >&2
}

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

as_root() {
    if [ "$EUID" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo "$@"
    else
        return 1
    fi
}

# install_packages "PURPOSE: HOW BY HAND" PACKAGE...: by apt-get where that is possible, else says what to do.
install_packages() {
    local by_hand=$1
    shift
    { command -v apt-get >/dev/null && as_root true; } || die "$by_hand"
    say "Installing $*"
    as_root "$root/scripts/install-debian" "$@" || die "$by_hand"
}

need_cargo() {
    command -v cargo >/dev/null || die "cargo is missing: install Rust from https://rustup.rs, then open a new shell"
}

need_c_compiler() {
    command -v cc >/dev/null && return
    install_packages "a C compiler is missing (Debian, Ubuntu: gcc and libc6-dev; Fedora: gcc; macOS: xcode-select --install)" gcc libc6-dev
}

need_nextest() {
    command -v cargo-nextest >/dev/null && return
    say "Installing cargo-nextest $nextest_version into ${tools#"$root"/} (once; this takes some minutes)"
    cargo install --locked --root "$tools" "cargo-nextest@$nextest_version" \
        || die "cargo-nextest could not be installed: see https://nexte.st/docs/installation"
}

# The folder of the newest PostgreSQL server programs that are new enough; fails when there is none.
find_postgres() {
    local candidate version best=0 folder=
    for candidate in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin \
        "$(dirname "$(command -v postgres || true)")"; do
        if ! [ -x "$candidate/postgres" ] || ! [ -x "$candidate/initdb" ] || ! [ -x "$candidate/psql" ]; then
            continue
        fi
        version=$("$candidate/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
        if [ "$version" -ge "$oldest_postgres" ] && [ "$version" -gt "$best" ]; then
            best=$version folder=$candidate
        fi
    done
    [ -n "$folder" ] && printf '%s\n' "$folder"
}

need_postgres() {
    find_postgres >/dev/null && return
    local package by_hand="the programs of PostgreSQL $oldest_postgres or newer are missing (Debian, Ubuntu: postgresql; Fedora: postgresql-server; Arch: postgresql; macOS: brew install postgresql@17)"
    package=$(newest_postgres_package) || die "$by_hand"
    install_packages "$by_hand" "$package"
    find_postgres >/dev/null || die "$by_hand"
}

# The newest server package that apt knows, such as postgresql-15.
newest_postgres_package() {
    command -v apt-cache >/dev/null || return 1
    if [ -z "$(apt-cache search --names-only '^postgresql-[0-9]+$')" ]; then
        as_root apt-get update -qq || return 1
    fi
    local version
    version=$(apt-cache search --names-only '^postgresql-[0-9]+$' | sed -E 's/^postgresql-([0-9]+) .*/\1/' | sort -n | tail -n 1)
    [ -n "$version" ] && [ "$version" -ge "$oldest_postgres" ] && printf 'postgresql-%s\n' "$version"
}

# Whether the programs of RabbitMQ and of the Erlang that runs it are there, be they in root's folders.
find_rabbitmq() {
    { [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || PATH=$PATH:/usr/sbin:/usr/local/sbin command -v rabbitmq-server >/dev/null; } \
        && command -v epmd >/dev/null
}

need_rabbitmq() {
    find_rabbitmq && return
    local by_hand="the programs of RabbitMQ 3.10 or newer are missing (Debian, Ubuntu, Fedora: rabbitmq-server; Arch: rabbitmq; macOS: brew install rabbitmq)"
    install_packages "$by_hand" rabbitmq-server
    find_rabbitmq || die "$by_hand"
}

# Whether Dovecot is there with IMAP and LMTP, be it in root's folders.
find_dovecot() {
    local programs=/usr/lib/dovecot
    [ -d "$programs" ] || programs=/usr/libexec/dovecot
    PATH=$PATH:/usr/sbin:/usr/local/sbin command -v dovecot >/dev/null && [ -x "$programs/imap" ] && [ -x "$programs/lmtp" ]
}

# Dovecot, for the tests of what reads mailboxes. No service of it is started.
need_dovecot() {
    local version by_hand="Dovecot 2.3 with IMAP and LMTP is missing (Debian, Ubuntu: dovecot-imapd and dovecot-lmtpd; Fedora, Arch: dovecot)"
    find_dovecot || install_packages "$by_hand" dovecot-imapd dovecot-lmtpd
    find_dovecot || die "$by_hand"
    version=$(PATH=$PATH:/usr/sbin:/usr/local/sbin dovecot --version)
    case $version in
    2.3.*) ;;
    *) die "this is Dovecot ${version%% *}, and the tests need 2.3: later ones are configured in another way" ;;
    esac
}

# Exim, for the tests of what sends mail. Debian's package would replace the machine's own mail server, so it is not
# installed but unpacked, with the libraries that are not there, and with a wrapper that makes up its user.
need_exim() {
    PATH=$PATH:/usr/sbin:/usr/local/sbin command -v exim4 exim >/dev/null && return
    local unpacked=$tools/exim
    [ -x "$unpacked/exim" ] && return
    local by_hand="Exim 4.94 or newer is missing (Fedora, Arch: exim; macOS: brew install exim; Debian, Ubuntu: its packages must be had by apt-get download)"
    { command -v apt-get && command -v dpkg-deb; } >/dev/null || die "$by_hand"
    say "Unpacking Exim into ${unpacked#"$root"/} (nothing is installed)"
    "$root/scripts/unpack-exim" "$unpacked" || die "$by_hand"
}
