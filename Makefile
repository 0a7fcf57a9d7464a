# Thin on purpose: each target runs a script of .ci/, which sets up what it needs, or says what is missing.
.DEFAULT_GOAL := help
# Two cargo runs at once only wait for each other, and mix their output.
.NOTPARALLEL:
.PHONY: help demo dev desktop web e2e screenshots fleet rehearse test verify python wheel simulate chaos lint deny bench fmt doc clean

help: ## list these targets
	@echo "usage: make TARGET"
	@sed -n 's/^\([a-z0-9]*\):[^#]*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo: ## review this repository with the orchestrator, and show the report
	@bash .ci/demo.sh

dev: ## a server, a worker and the dashboard at http://127.0.0.1:8080/, until Ctrl-C
	@bash .ci/dev.sh $(ARGS)

desktop: ## open the app as a window (ARGS="--server http://127.0.0.1:8080")
	@bash .ci/desktop.sh $(ARGS)

web: ## build the app for browsers: target/dashboard
	@bash .ci/web.sh

e2e: ## try the app in a browser and as a window, with agents at work (ARGS=bench measures it)
	@bash .ci/e2e.sh $(ARGS)

screenshots: ## picture every screen of the app: docs/screenshots
	@bash .ci/e2e.sh screens

fleet: ## a private PostgreSQL and Redis, two servers, three workers on this machine, until Ctrl-C
	@bash .ci/fleet.sh

rehearse: ## what docs/operating.md says: ten thousand tasks, servers and databases lost, backups, upgrades
	@bash .ci/rehearse.sh

test: lint ## formatting, lints, documentation and every test (lint, then the tests)
	@bash .ci/test.sh

verify: deny test ## what CI runs: deny, then test

python: ## the Python package alone: build it, check its types, run its tests and examples
	@bash .ci/services.sh run .ci/python-test.sh $(ARGS)

wheel: ## the Python package as a wheel: target/wheels
	@bash .ci/wheel.sh

simulate: ## 100,000 seeds of the simulator (SEEDS=5000 for fewer)
	@bash .ci/simulate.sh $(SEEDS)

chaos: ## kill, freeze, cut off and lock up real fleets under load, for five minutes (FOR=3600 SEED=7)
	@bash .ci/chaos.sh $(FOR) $(SEED)

lint: ## formatting, clippy and documentation, warnings refused
	@bash .ci/lint.sh

deny: ## licences, sources and security advisories of the dependencies
	@bash .ci/deny.sh

bench: ## measure against the limit and against peers (ARGS="throughput --rounds 5")
	@bash .ci/bench.sh $(ARGS)

fmt: ## format everything
	@cargo fmt --all

doc: ## build the documentation of our crates: target/doc
	@cargo doc --workspace --no-deps --locked

clean: ## remove what was built, the tools and the demo's report included
	@cargo clean
