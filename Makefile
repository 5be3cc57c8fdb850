# What people run here. `make help` lists it; the work is done by cargo and by the scripts in scripts/.

.PHONY: help demo test lint docs-check fuzz chaos bench

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: ## the whole product in one minute, offline
	cargo run --release -- demo

test: ## install what the tests need, run everything on SQLite and on PostgreSQL
	@scripts/test

lint: ## format and lints only
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

docs-check: ## build the API documentation of the crates; broken links fail
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

fuzz: ## every fuzz target for a minute, two at a time
	scripts/fuzz 60

chaos: ## three replicas, four providers, kill -9, database restarts, hanging providers; under 5 minutes
	cargo build --package keybearer
	scripts/chaos $(CHAOS)

bench: ## what an execute costs beside a bare proxy; many connectors, waiting calls, bad credentials
	cargo build --release --package keybearer
	cargo run --release --package keybearer-bench -- --server target/release/keybearer --gate 1.3,1.5
