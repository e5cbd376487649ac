# One image for web, workers and beat; compose.yaml sets the command. See docs/deploy.md.
FROM python:3.13-slim-trixie

# pg_dump, pg_restore and psql for backups: not older than the server in compose.yaml.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /srv/tabunka
ENV PYTHONUNBUFFERED=1 \
    VAR_DIR=/srv/tabunka/var

COPY requirements/run.txt requirements/run.txt
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements/run.txt

COPY . .
# DEMO=1 for these two commands only, so that they need no secrets: none may end up in the image.
RUN DEMO=1 python manage.py compile_catalogues \
    && DEMO=1 python manage.py collectstatic --no-input --verbosity 0 \
    && python -m compileall -q portal services consultations classes events \
    && useradd --system --uid 10001 --home-dir /srv/tabunka --shell /usr/sbin/nologin tabunka \
    && install --directory --owner tabunka --mode 700 var/backups

USER tabunka
EXPOSE 8000
# The same command as in portal/web_server.py, but on all interfaces of the container.
CMD ["python", "-m", "granian", "portal.wsgi:application", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", \
     "--workers", "2", "--blocking-threads", "4", "--log-level", "warning", "--no-ws"]
