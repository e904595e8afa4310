# Two commands matter: `make demo` and `make test`. Both make what they need on a machine that has Python 3.11 or newer,
# git and make. `make help` lists the rest.

ENV := .venv
DEMO_ENV := .venv-demo
BIN := $(ENV)/bin
PACKAGES := src/vxsec/demo/packages
SOURCES := $(shell find src -type f ! -name '*.pyc')

# PYTEST_ARGS narrows a run; COVERAGE=1 measures branches, `make coverage` reports them afterwards.
# VXSEC_REQUIRE_ALL=1 turns every test that would be left out into a failure.
PYTEST_ARGS ?=
RELEASE_ARGS ?=
# Where cosign and the servers of test-sigstore-real are; built there from tests/real/tools unless you name a folder of yours.
SIGSTORE_BIN := $(abspath $(or $(VXSEC_SIGSTORE_BIN),.build/sigstore-real/bin))
PYTEST := $(if $(COVERAGE),$(BIN)/coverage run -m pytest,$(BIN)/python -m pytest)

.PHONY: help demo test test-sigstore-real unit lint types contracts check coverage bench docs fixtures build release clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | while IFS='	' read -r name text; do printf '  make %-18s %s\n' "$$name" "$$text"; done

# The development environment does for the demo too, where it is there already.
demo: $(if $(wildcard $(ENV)/.stamp),$(ENV)/.stamp,$(DEMO_ENV)/.stamp) ## watch four packages pass, nine attacks fail and a killed publish recover, offline
	@$(dir $<)bin/vxsec demo
	@echo "the program is $(dir $<)bin/vxsec; to have it on the PATH: pipx install . (or pip install . in an environment)"

test: $(ENV)/.stamp ## every test, real npm and Verdaccio included; one line says what was left out
	$(PYTEST) $(PYTEST_ARGS)

# A network namespace of its own, with loopback alone: the servers take fixed ports and every address.
test-sigstore-real: $(ENV)/.stamp $(if $(VXSEC_SIGSTORE_BIN),,.build/sigstore-real/.stamp) ## interop with Sigstore's own servers, built from Go: minutes the first time
	VXSEC_SIGSTORE_BIN=$(SIGSTORE_BIN) unshare --net $(if $(filter 0,$(shell id -u)),,--map-root-user) $(PYTEST) tests/real $(PYTEST_ARGS)

unit: $(ENV)/.stamp ## the unit tests: seconds, no network
	$(PYTEST) tests/unit $(PYTEST_ARGS)

lint: $(ENV)/.stamp ## formatting and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(ENV)/.stamp ## mypy, strict
	$(BIN)/mypy

contracts: $(ENV)/.stamp ## who may import whom
	$(BIN)/lint-imports

check: lint types contracts unit ## what to run before a commit

coverage: $(ENV)/.stamp ## report what `make test COVERAGE=1` measured
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: $(ENV)/.stamp ## measure against named peers; prints ratios
	$(BIN)/python -m benchmarks.run

docs: $(ENV)/.stamp ## write the generated pages of docs/reference from the code
	$(BIN)/python .ci/reference.py

fixtures: $(ENV)/.stamp ## pack fixtures/monorepo again, with npm, for the demo
	rm -f $(PACKAGES)/*.tgz
	$(BIN)/python .ci/npm.py -C fixtures/monorepo pack --workspaces --silent --pack-destination "$(CURDIR)/$(PACKAGES)"

build: $(ENV)/.stamp ## sdist and wheel, the wheel from the sdist, into dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .

release: $(ENV)/.stamp ## build our own release twice, hold it to policies/release, and see the gate close
	$(BIN)/python .ci/release-gate $(RELEASE_ARGS)

clean: ## remove environments, caches and built files
	rm -rf $(ENV) $(DEMO_ENV) .venv-* .build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .grimp_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.build/sigstore-real/.stamp: tests/real/build.sh tests/real/tools/go.mod tests/real/tools/go.sum tests/real/tools/ctlog/main.go
	sh tests/real/build.sh $(SIGSTORE_BIN)
	@touch $@

$(ENV)/.stamp: pyproject.toml .ci/environment
	@sh .ci/environment $(ENV) --editable . --group dev
	@touch $@

$(DEMO_ENV)/.stamp: pyproject.toml .ci/environment $(SOURCES)
	@sh .ci/environment $(DEMO_ENV) .
	@touch $@
