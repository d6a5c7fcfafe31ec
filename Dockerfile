# Voyant as a service: one image for the API and its pages, for workers, and for tools for agents.
#
#   docker build --tag voyant .
#   docker run --read-only --tmpfs /tmp --publish 127.0.0.1:8080:8080 voyant
#
# Only /artifacts, /state and /tmp are ever written; docs/how-to/deploy.md says what each one holds.

ARG PYTHON_IMAGE=python:3.13-slim-bookworm

# ------------------------------------------------------------------------------------------- build
FROM ${PYTHON_IMAGE} AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_INPUT=1 \
    PIP_ROOT_USER_ACTION=ignore

WORKDIR /src

# The versions of everything are in constraints.txt, those of the build as well.
COPY constraints.txt ./
RUN python -m pip install --constraint constraints.txt hatchling

COPY pyproject.toml README.md LICENSE ./
COPY voyant ./voyant
# The environment has no pip of its own: nothing can be installed into it later.
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && python -m venv --without-pip /opt/voyant \
    && set -- /wheels/voyant-*.whl \
    && python -m pip --python /opt/voyant/bin/python install --constraint constraints.txt \
       "$1[mcp,otel,postgres,prometheus,s3,service]"

# --------------------------------------------------------------------------------------------- run
FROM ${PYTHON_IMAGE} AS run

ARG VERSION=0.1.0
ARG REVISION=unknown

LABEL org.opencontainers.image.title="Voyant" \
      org.opencontainers.image.description="Point it at tables: profile, KPIs, sufficiency and more, as verifiable artifacts" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# A user with a number (Kubernetes checks runAsNonRoot by it), and the folders it owns; volumes that
# are mounted there for the first time take their owner and mode from these.
RUN python -m pip uninstall --yes pip \
    && groupadd --gid 10001 voyant \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin voyant \
    && install --directory --owner=10001 --group=10001 --mode=0750 /artifacts /state /secrets

COPY --from=build /opt/voyant /opt/voyant

ENV PATH=/opt/voyant/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    VOYANT_ARTIFACTS_ROOT=/artifacts \
    VOYANT_SERVICE_STARTS_WITHOUT_KEYS=1 \
    VOYANT_DATABASE_URL=sqlite:////state/service.sqlite

WORKDIR /state
USER 10001:10001
VOLUME ["/artifacts", "/state"]
EXPOSE 8080
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=15s --timeout=4s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=3)"]

ENTRYPOINT ["voyant"]
# Inside a container the loopback is nobody's: who may connect is decided where the port is published.
# It starts before there is a key, so that one can be made in it; until then it answers nobody.
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
