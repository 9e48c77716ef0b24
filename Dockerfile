# syntax=docker/dockerfile:1
# Two stages: wheels are built and byte-compiled in the first; the second holds Python, the packages and the gateway only.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements/run.txt requirements/run.txt
RUN python -m venv /opt/gateway && /opt/gateway/bin/pip install --require-hashes --only-binary :all: -r requirements/run.txt
COPY requirements/build.txt requirements/build.txt
RUN python -m venv /opt/build && /opt/build/bin/pip install --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md ./
COPY gateway gateway
COPY mappings mappings
COPY profiles profiles
COPY fixtures fixtures
RUN /opt/build/bin/python -m hatchling build -t wheel -d /tmp/wheel \
 && /opt/gateway/bin/pip install --no-deps /tmp/wheel/*.whl \
 && /opt/gateway/bin/python -m compileall -q /opt/gateway/lib \
 && ECM_CACHE=/tmp/cache /opt/gateway/bin/ecm-gateway packages compile

FROM python:3.12-slim
RUN useradd --uid 10001 --no-create-home --home-dir /var/lib/ecm-gateway gateway \
 && install -d -o gateway -g gateway /var/lib/ecm-gateway
COPY --from=build /opt/gateway /opt/gateway
COPY --from=build --chown=gateway:gateway /tmp/cache /var/lib/ecm-gateway/cache
ENV PATH=/opt/gateway/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ECM_DATABASE=sqlite:////var/lib/ecm-gateway/gateway.sqlite \
    ECM_CACHE=/var/lib/ecm-gateway/cache
USER 10001:10001
WORKDIR /var/lib/ecm-gateway
VOLUME /var/lib/ecm-gateway
EXPOSE 8080
# Of `serve`; start a worker with --no-healthcheck: it listens nowhere.
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s CMD ["python", "-c", \
  "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ.get(\"ECM_PORT\", 8080)}/health/ready', timeout=2)"]
# The service refuses to listen beyond loopback until callers are authenticated, unless told: inside a container, say so
# with ECM_HOST=0.0.0.0 and ECM_LISTEN_ANYWHERE=yes, and let only a trusted proxy reach the port.
ENTRYPOINT ["ecm-gateway"]
CMD ["serve"]
