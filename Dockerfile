# One image for every process. The command chooses the process: gateway/main.ts, workers/main.ts <kind> or sql/main.ts.
# The binary of uWebSockets.js is for x64 and Node 22 only.
FROM --platform=linux/amd64 node:22-bookworm-slim AS built
WORKDIR /rooms
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY shared/client shared/client
COPY gateway/page gateway/page
COPY gateway/docs gateway/docs
COPY docs docs
RUN npm run build

FROM --platform=linux/amd64 node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /rooms
COPY package.json package-lock.json ./
# The packages contain their binaries, so no install script is needed.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY shared shared
COPY sql sql
COPY gateway gateway
COPY workers workers
COPY --from=built /rooms/shared/client/dist shared/client/dist
COPY --from=built /rooms/gateway/page/dist gateway/page/dist
COPY --from=built /rooms/gateway/docs/dist gateway/docs/dist
USER node
EXPOSE 8080
CMD ["node", "gateway/main.ts"]
