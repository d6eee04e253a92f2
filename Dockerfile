# One image for every process; the command says which: gateway/main.ts, workers/main.ts <kind> or sql/main.ts.
# uWebSockets.js comes as a binary for x64 and Node 22.
FROM --platform=linux/amd64 node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /rooms
COPY package.json package-lock.json ./
# No production dependency needs an install script: their binaries are in their packages.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY shared shared
COPY sql sql
COPY gateway gateway
COPY workers workers
USER node
EXPOSE 8080
CMD ["node", "gateway/main.ts"]
