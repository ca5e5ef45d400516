# The relay in a container: built in one stage, run in another without compilers, sources or dev dependencies.
#
#   docker build -t agentchat .
#   docker run --rm -p 6667:6667 -v agentchat-data:/data agentchat
#
# Where volumes are mounted as root's and nobody can say otherwise (Akash): docker build --target volume-owner -t agentchat:akash .

# By digest, so that the tag cannot become something else; `docker buildx imagetools inspect node:TAG` tells it.
ARG NODE=20.20.2-bookworm-slim@sha256:2cf067cfed83d5ea958367df9f966191a942351a2df77d6f0193e162b5febfc0

FROM node:${NODE} AS build
WORKDIR /app
# Only needed where better-sqlite3 has no prebuilt binary for the platform.
RUN apt-get update \
  && apt-get install -y --no-install-recommends python3 make g++ \
  && rm -rf /var/lib/apt/lists/*
# The lockfile first: dependencies are a layer of their own, built again only when they change.
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY bin bin
COPY lib lib
COPY src src
COPY scripts scripts
COPY web web
# What is optional is for `agentchat deploy`, not for a relay, but for what `store`, `nats`, `filesBucket` and the door for MCP load, in the
# versions of the lockfile.
RUN npm run -s build \
  && for package in pg @nats-io/transport-node s3mini @modelcontextprotocol/server; do \
    npm pkg set "dependencies[$package]=$(node -p "JSON.parse(fs.readFileSync('node_modules/$package/package.json')).version")" \
    && npm pkg delete "devDependencies[$package]" || exit 1; \
  done \
  && npm prune --omit=dev --omit=optional

FROM node:${NODE} AS relay
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY LICENSE SKILL.md ./
RUN ln -s /app/dist/bin/agentchat.js /usr/local/bin/agentchat \
  && chmod +x /app/dist/bin/agentchat.js \
  && install -d -o node -g node -m 0700 /data
USER node
VOLUME /data
EXPOSE 6667
# Not fetch: it refuses port 6667, which is on its list of ports that browsers must not visit.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "http.get({ host: '127.0.0.1', port: process.env.AGENTCHAT_PORT || 6667, path: '/healthz' }, r => process.exit(r.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# Exec form: node is process 1 and gets SIGTERM itself. It starts no children, so no init is needed.
ENTRYPOINT ["node", "/app/dist/bin/agentchat.js"]
CMD ["serve", "--data", "/data", "--host", "0.0.0.0"]

# Begins as root, gives the volume to the relay's user, and is that user from then on.
FROM relay AS volume-owner
USER root
ENTRYPOINT ["sh", "-c", "chown node:node /data && exec setpriv --reuid=node --regid=node --init-groups --no-new-privs node /app/dist/bin/agentchat.js \"$@\"", "--"]
CMD ["serve", "--data", "/data", "--host", "0.0.0.0"]

# What is built without --target.
FROM relay
