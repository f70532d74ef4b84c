FROM python:3.13-slim

WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY course course
COPY worker worker
COPY templates templates
RUN pip install --no-cache-dir --constraint constraints.txt . \
    && useradd --create-home --uid 1000 lettercourse \
    && install --directory --owner lettercourse /data

USER lettercourse
WORKDIR /data
ENV LETTERCOURSE_DATA_DIR=/data PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["lettercourse", "up", "--host", "0.0.0.0"]
