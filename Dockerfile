# The service as a checkout: the wheel holds only what producers import.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

# The packages first, so that a change of the code does not install them again;
# --group came with pip 25.1.
COPY pyproject.toml README.md LICENSE ./
RUN mkdir smsline && touch smsline/__init__.py \
    && pip install --upgrade "pip>=25.1" \
    && pip install --group service --group traces --editable .

COPY . .
# Compiled now: whoever runs it may not write here, and a worker starts in less time.
RUN python -m compileall -q smsline config worker tasks \
    && useradd --system --uid 10001 --no-create-home smsline
USER smsline

# A worker ends when its calls have ended: allow it timeout_s + 15 s (`docker stop --time`).
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "worker"]
CMD ["run"]
