# The service: base and web extras only. Build: docker build -t inkread .
# Run: docker run --rm -p 127.0.0.1:8000:8000 -v inkread:/data inkread
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt hatch_build.py README.md LICENSE NOTICE ./
COPY docs/models docs/models
COPY src src
RUN python -m venv /opt/inkread \
    && /opt/inkread/bin/pip install --no-cache-dir --constraint constraints.txt '.[web]'

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home inkread \
    && install --directory --owner inkread --mode 0700 /data
COPY --from=build /opt/inkread /opt/inkread
ENV INKREAD_MODELS=/data/models \
    PATH=/opt/inkread/bin:$PATH \
    PYTHONUNBUFFERED=1
USER inkread
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["inkread", "serve"]
# Inside, every address; which of them is seen outside, --publish decides.
# The names are those that it then has here; add --token-file for other machines.
CMD ["--host", "0.0.0.0", "--port", "8000", "--allow-host", "127.0.0.1", "--allow-host", "localhost"]
