# Short names for what the scripts and cargo do; nothing here is needed to build or test.

# List the commands.
default:
    @{{ just_executable() }} --list --unsorted

# Format, lints, documentation and dependencies.
check: && deps
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items --locked

# What the dependency tree may contain, and who may use what (deny.toml).
deps:
    scripts/test deps

# Everything: the README's test command.
test:
    scripts/test

# The Rust tests on both databases; arguments go to `cargo test`.
quick *arguments:
    scripts/test quick {{ arguments }}

# The suites against the real binary: all of them, or those named.
suites *names:
    scripts/test suites {{ names }}

# What the gateway adds to a call, against the same server directly and over one plain hop.
bench:
    scripts/bench-gateway

# Measures of the source: size, length, import circles, files on a request's way.
measure:
    scripts/measure-house

# A throw-away PostgreSQL and psql on it; gone when psql ends.
db:
    scripts/with-postgres bash -c 'psql "$TOOLVAULT_TEST_DATABASE_URL"'

# Review changed snapshots (cargo install cargo-insta).
snapshots:
    scripts/with-postgres cargo insta test --workspace --review

# Mend the format.
fmt:
    cargo fmt --all

# Run the binary: `just run serve`.
run *arguments:
    cargo run --release --locked -- {{ arguments }}

# What CI runs.
ci:
    bash .ci/run
