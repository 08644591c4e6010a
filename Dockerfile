# Every program of Switchboard in one image. `docker compose build` makes it; docs/operating.md says how it is used.

FROM rust:1.95-bookworm AS build
WORKDIR /source
ENV SQLX_OFFLINE=true CARGO_TERM_COLOR=never
COPY . .
# The caches stay with the builder. What is built lies in one of them, and so is taken out in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/source/target,sharing=locked \
    cargo build --locked --release --bins \
        --package switchboard \
        --package switchboard-ingest-email \
        --package switchboard-router \
        --package switchboard-notifier \
    && install -D --target-directory /programs \
        target/release/switchboard \
        target/release/switchboard-ingest-email \
        target/release/switchboard-router \
        target/release/switchboard-notifier

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="Switchboard" \
      org.opencontainers.image.description="Takes what clients write to a support desk, and sees to it that the right people hear of it" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# Whom TLS trusts; openssl comes with it. The version is that of the release that the image is built from.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 switchboard \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin switchboard
COPY --from=build /programs/ /usr/local/bin/
# By number, so that an orchestrator can tell that it is not root.
USER 10001:10001
WORKDIR /
CMD ["switchboard", "--help"]
