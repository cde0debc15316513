# The overlay page and the edge in front of api and gateways: docker build -f docker/web.Dockerfile -t droppio/web:0.1.0 .
ARG NODE_IMAGE=node:24-bookworm-slim
# 1.27.3 or newer: upstreams follow DNS (`resolve`).
ARG NGINX_IMAGE=nginxinc/nginx-unprivileged:1.30-alpine

FROM ${NODE_IMAGE} AS manifests
WORKDIR /src
COPY . .
RUN mkdir /manifests \
 && cp package-lock.json .npmrc /manifests/ \
 && find . -name package.json -exec cp --parents {} /manifests/ \;

FROM ${NODE_IMAGE} AS build
ENV CI=true NX_DAEMON=false
WORKDIR /src
COPY --from=manifests /manifests ./
RUN --mount=type=cache,target=/root/.npm \
    npm ci --ignore-scripts --workspace=@droppio/overlay --include-workspace-root
COPY . .
RUN npx nx build @droppio/overlay

FROM ${NGINX_IMAGE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="droppio-web" \
      org.opencontainers.image.description="Droppio overlay page, and the way to the API and the gateways" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
# The image's entry point writes the upstreams from the environment and the container's resolv.conf; /tmp is the only place that is written.
ENV NGINX_ENTRYPOINT_LOCAL_RESOLVERS=1 NGINX_ENTRYPOINT_QUIET_LOGS=1 NGINX_ENVSUBST_OUTPUT_DIR=/tmp \
    GATEWAY_HOST=gateway API_HOST=api
COPY docker/nginx/nginx.conf /etc/nginx/nginx.conf
COPY docker/nginx/web.conf /etc/nginx/web.conf
COPY docker/nginx/upstreams.conf.template /etc/nginx/templates/upstreams.conf.template
COPY --from=build /src/apps/overlay/dist /usr/share/nginx/html/overlay
USER 101:101
EXPOSE 8080
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=10s --timeout=3s CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/healthz"]
