# The checks, by name. Each target is a script in .ci or one Go command; "make" alone lists them.

TIME ?= 30s
FILES ?=
SHOPS ?= all

.DEFAULT_GOAL := help
.PHONY: help build run test lint ci readme fuzz mutation long bench packages image typescript shops generators vulnerabilities woocommerce helm release

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## ./caddy: Caddy with the modules of this checkout
	./xcaddy.sh

run: ## the whole product on one machine; open http://localhost:9182/
	go run -v ./cmd/caddy run --config Caddyfile.example

test: ## all tests; those that need a missing program are skipped
	go test ./...

lint: ## gofmt, go vet, golangci-lint
	test -z "$$(gofmt -l .)" || { gofmt -l .; false; }
	go vet ./...
	golangci-lint run ./...

ci: ## everything that must hold before a change goes in (root on Debian; installs what it needs)
	.ci/run

readme: ## the commands of the README, its PHP, and of the other pages, from their text (root, openssl)
	.ci/readme
	.ci/readme README.vi.md
	.ci/pages

fuzz: ## every fuzz target, TIME=30s each
	.ci/fuzz $(TIME)

mutation: ## does a test fail for every small fault? FILES="send.go" for others than the default
	.ci/mutation $(FILES)

long: ## inbox and ledger are killed, their power cut, the file damaged, many times over: 25 minutes
	.ci/long

bench: ## the benchmark: about nineteen minutes, needs wrk
	go run ./bench

packages: ## archive, deb and rpm: the same twice, installed, a payment with each (root, rpm)
	.ci/packages

image: build ## the container image, and a payment through it (root, buildah)
	.ci/image

typescript: build ## a TypeScript client of the sidecar's own description, and payments with it
	.ci/typescript

shops: ## every shop of examples/ that this machine can run, in Chromium; SHOPS=php,flask for some; prints a table
	cd caddytest && SHOPS="$(SHOPS)" go test -timeout 20m -run '^TestShops$$'

generators: build ## clients of the description by five generators, compiled, and a payment with one of them
	.ci/generators

vulnerabilities: ## known vulnerabilities that the code can reach (needs the database)
	.ci/vulnerabilities

woocommerce: ## the zip of the WooCommerce plugin, to be uploaded to a shop (needs gettext)
	examples/woocommerce/build.py

helm: ## the Helm chart of examples/kubernetes: linted, rendered, the same as the plain manifests (builds helm)
	.ci/helm

release: ## the files of a release without publishing them, the same as those of packaging/build.sh (builds goreleaser, syft)
	.ci/release
