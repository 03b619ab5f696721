# A Prometheus where no registry can be reached: Debian's package in the layout of the official image, as
# far as docker-compose.yml uses it. It is older than the version named there; for rehearsals only.
ARG PYTHON_IMAGE
FROM ${PYTHON_IMAGE}
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends prometheus wget \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner 65534 --group 65534 /prometheus
WORKDIR /prometheus
ENTRYPOINT ["prometheus"]
