.DEFAULT_GOAL := help
.PHONY: help demo up test bench lint fmt prepare clean-demo

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## See it work: a dozen mails, and what became of each
	@scripts/demo

up: ## Run all of it, with its data in ./switchboard-data
	@cargo run --package switchboard -- up

test: ## Run every test beside a private PostgreSQL and RabbitMQ (ARGS="..." goes to cargo nextest run)
	@scripts/test $(ARGS)

bench: ## Measure how fast it is (ARGS="reading" measures that part alone)
	@scripts/bench $(ARGS)

lint: ## Check format, lints, queries and dependencies
	@scripts/lint

fmt: ## Format the source
	@cargo fmt --all

prepare: ## Bring .sqlx up to date after a query or a migration changed
	@scripts/sqlx-prepare

clean-demo: ## Remove what the demo left
	@scripts/clean-demo
