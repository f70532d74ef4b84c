FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/lettercourse
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY course course
COPY worker worker
COPY templates templates
RUN /opt/lettercourse/bin/pip install --no-cache-dir --constraint constraints.txt . \
    && rm -rf /opt/lettercourse/lib/python3*/site-packages/pip

FROM python:3.13-slim
RUN useradd --create-home --uid 1000 lettercourse \
    && install --directory --owner lettercourse /data
COPY --from=build /opt/lettercourse /opt/lettercourse
ENV PATH=/opt/lettercourse/bin:$PATH LETTERCOURSE_DATA_DIR=/data PYTHONUNBUFFERED=1
USER lettercourse
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=20s --timeout=10s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz')"]
CMD ["lettercourse", "up", "--host", "0.0.0.0"]
