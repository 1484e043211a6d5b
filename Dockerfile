# The application in one image: web, worker, beat and migrate are the same files with another command.
FROM python:3.13.7-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.txt .
# The environment holds no pip: nothing is installed where the application runs.
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --quiet --require-hashes -r requirements.txt

FROM python:3.13.7-slim-bookworm
RUN groupadd --gid 10001 releaseflow \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin releaseflow \
    && install -d -o 10001 -g 10001 /var/lib/releaseflow
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VAR_DIR=/var/lib/releaseflow WEB_CONCURRENCY=2
WORKDIR /app
COPY --from=build /venv /venv
COPY . .
# The key is for this one command, which stores nothing that depends on it.
RUN SECRET_KEY=only-for-collectstatic DATABASE_URL=sqlite://:memory: python manage.py collectstatic --noinput -v 0 \
    && python -m compileall -q accounts crq deployments notifications releaseflow workflow
USER 10001:10001
EXPOSE 8000
VOLUME /var/lib/releaseflow
# WEB_CONCURRENCY is the number of gunicorn's processes, each with four threads.
CMD ["gunicorn", "releaseflow.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--threads", "4", \
     "--preload", "--worker-tmp-dir", "/dev/shm", "--graceful-timeout", "25"]
