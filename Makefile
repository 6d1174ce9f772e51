# Everything is installed into .venv and nothing elsewhere; `make` with nothing to do installs nothing.
# PYTHON chooses the interpreter that makes the virtual environment (3.11 or later).
PYTHON ?= python3
UV_VERSION := 0.13.9
bin := .venv/bin
stack ?= dev
seconds ?= 60
seed ?=
# Of `make report`: the commit to compare with. Of `make preview` and `make deploy`: the file of a saved plan (experimental in Pulumi).
base ?=
saved ?=
# Of `make tell`: how the checks ended, success or anything else.
result ?=
policies = --policy-pack policy $(addprefix --policy-pack-config ,$(wildcard policy/config.$(stack).json))
ACTIONLINT_VERSION := v1.7.12
# Tests wait for processes more than they compute; a file stays with one worker, because its servers are shared. The longest files
# come first (tests/conftest.py).
workers ?= 3
spread := -n $(workers) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help up down test test-long test-engine test-workflows chaos lint format plan report preview deploy drift compliance \
	comment tell schema docs install lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: install ## run the stack on this machine and answer one question in SQL
	@$(bin)/vectordb local up --stack $(stack) --tour

down: ## stop what `make up` started
	@if [ -x $(bin)/vectordb ]; then $(bin)/vectordb local down --stack $(stack); fi

test: install ## run every test
	@$(bin)/pytest -q -m "not long" $(spread)

test-long: install ## the long tests too
	@FAMILY_SIZE=200 $(bin)/pytest -q $(spread)

test-engine: install ## run the program through the real Pulumi CLI, which has to be on PATH
	@sh scripts/command_provider.sh
	@REAL_ENGINE=required $(bin)/pytest -q -rs -n0 --durations=10 tests/engine

test-workflows: install ## the workflows in .github: actionlint (by Go), schemas, rules
	@GOBIN="$(CURDIR)/build/bin" go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)
	@PATH="$(CURDIR)/build/bin:$$PATH" $(bin)/pytest -q -rs -n0 tests/workflows

chaos: install ## users, workers and everything that happens to them: make chaos seconds=600 seed=1
	@CHAOS_SECONDS=$(seconds) CHAOS_SEED=$(seed) $(bin)/pytest -q -s -n0 tests/embed/test_chaos.py tests/embed/test_chaos_s3.py

lint: install ## ruff and mypy
	@$(bin)/ruff check . && $(bin)/ruff format --check . && $(bin)/mypy && $(bin)/mypy __main__.py

format: install ## let ruff put the code into form
	@$(bin)/ruff check --fix . ; $(bin)/ruff format .

plan: install ## what `pulumi up` would make, checked against the policies as policy/config.<stack>.json configures them
	@$(bin)/vectordb plan --stack $(stack)

report: install ## what a reviewer reads, into build/report: make report stack=prod base=origin/main
	@sh scripts/report.sh "$(stack)" "$(base)"

preview: install ## the real preview, with the policies; saved=FILE keeps the plan for `make deploy`
	@pulumi preview --stack "$(stack)" $(policies) --diff $(if $(saved),--save-plan "$(saved)")

deploy: install ## bring a stack up to date, with the policies; saved=FILE does what that plan says or nothing
	@pulumi up --stack "$(stack)" $(policies) --yes $(if $(saved),--plan "$(saved)")

drift: install ## fail when what is there is not what was deployed; nothing is changed
	@pulumi refresh --stack "$(stack)" --preview-only --expect-no-changes --diff

compliance: install ## ask the policies about what is there, without the program
	@pulumi policy analyze --stack "$(stack)" $(policies)

comment: ## in CI: put build/report into the pull request, in the place of the last report
	@sh scripts/comment.sh build/report

tell: ## in CI: open, continue or close the issue about drift and compliance
	@sh scripts/tell.sh "$(result)"

schema: install ## write components/schema.json, the components as other languages see them
	@$(bin)/python scripts/schema.py

install: .venv/installed ## install into .venv

# pip stays in the environment: the Pulumi CLI asks it for the plug-ins that the program needs.
.venv/installed: requirements.lock pyproject.toml scripts/install.sh
	@PYTHON="$(PYTHON)" UV_VERSION=$(UV_VERSION) sh scripts/install.sh

docs: schema ## write anew all that is generated: the schema, the pages of the policies, the cost tables in README and docs
	@PYTHONPATH=policy $(bin)/python scripts/rule_pages.py
	@$(bin)/vectordb cost --write-docs

lock: install ## resolve requirements.lock anew
	@$(bin)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-header --no-annotate --no-emit-index-url pyproject.toml -o requirements.lock

clean: down ## forget the environment and everything made locally
	@rm -rf .venv .local build .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
