# For the anvil profile of compose.yaml only: deploys the tip jar and sends tips on the dev chain.
ARG NODE_IMAGE=node:24-bookworm-slim
FROM ${NODE_IMAGE}
ENV CI=true NX_DAEMON=false
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/root/.npm \
    npm ci --ignore-scripts --workspace=@droppio/tip-jar --include-workspace-root \
 && npx nx build @droppio/tip-jar \
 && cp docker/dev-chain.mjs libs/tip-jar/
WORKDIR /app/libs/tip-jar
USER 65532:65532
ENTRYPOINT ["node", "dev-chain.mjs"]
CMD ["deploy"]
