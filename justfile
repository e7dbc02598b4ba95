# Short names for scripts and cargo commands. Building and testing do not need this file.

# List the commands.
default:
    @{{ just_executable() }} --list --unsorted

# Check format, lints, documentation and dependencies.
check: && deps
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items --locked

# Check the dependency tree against deny.toml.
deps:
    scripts/test deps

# Run all tests, as the README says.
test:
    scripts/test

# Run the Rust tests on both databases; arguments go to `cargo test`.
quick *arguments:
    scripts/test quick {{ arguments }}

# Run all suites against the real binary, or those named.
suites *names:
    scripts/test suites {{ names }}

# Change the source in small ways, and require that a test notices each change. Takes more than an hour.
mutants *arguments:
    scripts/mutants {{ arguments }}

# Plant the faults of tests/planted/faults.toml, and require that the test named there notices each.
planted *names:
    scripts/planted {{ names }}

# Run the server of an older commit or tag beside this one on one database, as during an upgrade.
older *commit:
    scripts/older {{ commit }}

# Three servers and a standby through 300 faults. Takes about 20 minutes; `--help` lists the options.
faults *arguments:
    scripts/faults {{ arguments }}

# User keys rotate under load, with 200 kills. Takes about 40 minutes; `--help` lists the options.
key-rotation *arguments:
    scripts/rotate-under-load {{ arguments }}

# Clients that change and read a few secrets at the same time, and a check that one order explains every answer.
linearizability operations='1000000':
    cargo build --release --locked
    TOOLVAULT_BINARY=target/release/toolvault scripts/with-postgres scripts/suites/linearizability {{ operations }}

# Measure what a server holds after many values, sessions and attacks. Takes about two hours; `--help` lists the lengths.
soak *arguments:
    scripts/soak {{ arguments }}

# Measure everything beside its ceilings and peers, and write docs/performance.md; `just bench resolve` measures one part.
bench *parts:
    scripts/bench {{ parts }}

# Measure the source: size, lengths, import cycles, files on the path of a request.
measure:
    scripts/measure-source

# Start a temporary PostgreSQL and psql; it is removed when psql ends.
db:
    scripts/with-postgres bash -c 'psql "$TOOLVAULT_TEST_DATABASE_URL"'

# Write the generated references: command line and configuration.
reference:
    cargo build --release --locked
    scripts/reference

# Review changed snapshots (cargo install cargo-insta).
snapshots:
    scripts/with-postgres cargo insta test --workspace --review

# Format the source.
fmt:
    cargo fmt --all

# Run the binary: `just run serve`.
run *arguments:
    cargo run --release --locked -- {{ arguments }}

# Run what CI runs.
ci:
    bash .ci/run
