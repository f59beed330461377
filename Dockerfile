# Tidings with its embedded database in /data; for PostgreSQL see compose.yaml.
#
#   docker build -t tidings .
#   docker run -p 8800:8800 -v tidings:/data -e TIDINGS_SECRET="$(openssl rand -hex 32)" tidings

FROM python:3.13-slim AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1
WORKDIR /src
RUN python -m venv /opt/build && python -m venv --without-pip /opt/tidings

# Before the source, so that a change of it does not install everything anew. No compiler is there or needed.
COPY requirements/run.txt requirements/build.txt requirements/
RUN /opt/build/bin/pip install --require-hashes -r requirements/build.txt \
 && /opt/build/bin/pip --python /opt/tidings/bin/python install --require-hashes --only-binary :all: \
        -r requirements/run.txt

COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/build/bin/pip --python /opt/tidings/bin/python install --no-deps /wheels/*.whl \
 && /opt/tidings/bin/python -m compileall -q /opt/tidings/lib


FROM python:3.13-slim

RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin tidings \
 && install --directory --owner=tidings --group=tidings --mode=0750 /data
COPY --from=build /opt/tidings /opt/tidings

ENV PATH=/opt/tidings/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TIDINGS_HOST=0.0.0.0 \
    TIDINGS_PORT=8800 \
    TIDINGS_DATABASE_URL=sqlite:////data/tidings.db

USER tidings
WORKDIR /data
VOLUME /data
EXPOSE 8800
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['TIDINGS_PORT'] + '/livez', timeout=2)"]

# Without a shell in between, so that SIGTERM reaches the server, which then ends what is under way.
ENTRYPOINT ["tidings"]
CMD ["serve"]
