# syntax=docker/dockerfile:1
# The image holds Node, the bundle and nothing else: no shell, no package manager, no root.
# test/integration/image plays these very lines on a machine without a container engine.

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY src ./src
COPY tools ./tools
COPY tsconfig.json LICENSE ./
RUN node tools/build.ts
RUN node tools/sbom.ts dist/sbom.json && cp LICENSE dist/

FROM gcr.io/distroless/nodejs24-debian12:nonroot
WORKDIR /app
COPY --from=build /build/dist ./
# A number, so that Kubernetes can tell that it is not root.
USER 65532:65532
# One heap of the C library for all threads, which gives back what is freed, and V8's cleaned up sooner than by itself: less memory, for no
# more processor time.
ENV MALLOC_ARENA_MAX=1
ENV MALLOC_MMAP_THRESHOLD_=65536
ENV MALLOC_TRIM_THRESHOLD_=65536
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=8", "--heap-growing-percent=20", "/app/main.js"]
CMD ["run", "--listen=0.0.0.0:8080"]
