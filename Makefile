# The commands of Millrace; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test check docs check-ops image-test cluster-test unit simulate soak mutants chaos alerts-test stack stack-down bench fmt clean node node_modules

NODE := node --conditions=source --import tsx
RUN_TESTS := node deploy/ci/run-tests.mjs

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: node_modules ## the whole pipeline in one process, checked row by row (TAMPER=1: watch the check fail)
	@TAMPER='$(TAMPER)' $(NODE) demo/main.ts

test: ## everything, with the stack; the last line is "N passed, N failed"
	@{ sh deploy/ci/require-node.sh || { echo '0 passed, 1 failed'; exit 1; }; } 2>&1 && exec $(RUN_TESTS) test 2>&1

check: node ## format, lint, types, dependency rules, unused code, docstrings
	@$(RUN_TESTS) check 2>&1

docs: node_modules ## the reference of the language, from its docstrings: dist-docs/index.html
	@npm run -s docs

unit: node ## the tests that need no stack
	@$(RUN_TESTS) unit 2>&1

check-ops: node ## rules, dashboards, Helm chart, manifests (compiles its tools the first time: minutes)
	@$(RUN_TESTS) ops 2>&1

stack: node_modules ## start Kafka, Redis, S3, Postgres and Debezium here, and write .stack/env
	@deploy/stack/kafka-client.sh
	@deploy/stack/up.sh

stack-down: ## stop the stack
	@deploy/stack/down.sh

image-test: node ## build the container image and run it under a memory limit (podman, as root)
	@deploy/image/test.sh

cluster-test: node ## the Helm chart on a real API server (compiles Kubernetes the first time: 10 minutes)
	@deploy/ops/cluster-test.sh

simulate: node_modules ## simulated fleets with faults (ARGS='--seeds 1000 --from 1')
	@npm run -s simulate -- $(ARGS)

soak: node_modules ## weeks of one fleet in minutes: what it keeps has to stay as large as it is (ARGS='--days 30')
	@npm run -s soak -- $(ARGS)

mutants: node_modules ## bugs made on purpose, which the simulator must find
	@npm run -s mutants -- $(ARGS)

chaos: node_modules ## kills, freezes and outages on the stack, compared with SQL (ARGS='--kills 20')
	@npm run -s chaos -- $(ARGS)

alerts-test: node_modules ## the alerts with a real Prometheus and induced faults, on the stack
	@node_modules/.bin/vitest run --project alerts

bench: node_modules ## benchmarks (ARGS='...' is passed on)
	@$(NODE) benchmarks/main.ts $(ARGS)

fmt: node_modules ## format the tree, and fix what the linter can fix
	@node_modules/.bin/eslint . --fix --cache --cache-strategy content --cache-location node_modules/.cache/eslint/ || true
	@node_modules/.bin/prettier --write . --log-level warn --cache

clean: ## remove what was built or cached (not node_modules, not the stack)
	@rm -rf dist dist-docs coverage .demo node_modules/.cache

node:
	@sh deploy/ci/require-node.sh

# The native Kafka client is not built here: the demo and the static checks do not need it.
node_modules: node
	@node deploy/ci/node-modules.mjs
