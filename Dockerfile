# The sidecar as an image that holds one static binary and nothing else. It needs nothing on the host:
#
#   docker build -t caddy-galaxypay .
#   docker run --network host --read-only -v galaxypay-data:/data \
#     -v "$PWD/Caddyfile.example:/etc/caddy/Caddyfile:ro" caddy-galaxypay
#
# With a binary that was built and tested before, without a download (CI does so):
#
#   ./xcaddy.sh && docker build --target prebuilt -t caddy-galaxypay .   (or: buildah build --target prebuilt ...)
#
# No shell, no package manager, no user database: an intruder finds nothing to run and nothing to write to.
FROM scratch AS base

ENV PATH=/opt/caddy \
    SSL_CERT_FILE=/opt/caddy/ca-certificates.crt

# Caddy keeps state (certificates, locks) in /data/caddy, and the last config in /config/caddy unless it
# says "persist_config off". These two are all it ever writes to, so the root file system can be read-only.
# There is no VOLUME on purpose: an anonymous volume would silently be left behind, with the state in it, by the next
# container. Mount a named volume on /data: the store of the ledger and the inbox is there, and it refuses a file system in memory.
#
# TMPDIR: there is no /tmp. The lock files that keep a second sidecar off the same addresses lie there.
ENV XDG_CONFIG_HOME=/config \
    XDG_DATA_HOME=/data \
    TMPDIR=/data

# A number, because Kubernetes' runAsNonRoot cannot judge a name. Secret files that are mounted must be readable by it.
# WORKDIR after USER creates the folders as that user's; a scratch image has no mkdir and no chown.
USER 65532:65532
# Caddyfile.example has its admin socket in the folder where Caddy starts, which is /data.
WORKDIR /config
WORKDIR /data

# What Caddyfile.example listens on for the app and for the gateway's callbacks; informative only. The signing side
# answers loopback only, so give the container its app's network (a pod, "--network container:app", or the host's).
EXPOSE 9180 9181

# No HEALTHCHECK: the OCI image format has none, and there is no curl in here. Let the orchestrator connect to 9180.
ENTRYPOINT ["caddy"]
CMD ["run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]

# ./caddy of this folder, by xcaddy.sh with CGO_ENABLED=0.
#
# CA roots: Caddy links Mozilla's list (golang.org/x/crypto/x509roots/fallback), and Go uses it because this image has no
# list of its own. For other roots, a company's proxy for example, put a ca-certificates.crt beside this file before the
# build; it then replaces the linked list. (The pattern lets the copy succeed without it.)
FROM base AS prebuilt
COPY caddy ca-certificates.cr[t] /opt/caddy/

# Go cross-compiles, so this stage runs on the builder's own platform for each platform of the image.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS
ARG TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -o /out/caddy -trimpath -buildvcs=false \
    -ldflags '-s -w -buildid=' -tags nobadger,nomysql,nopgx ./cmd/caddy

FROM base
COPY --from=build /out/caddy /src/ca-certificates.cr[t] /opt/caddy/
