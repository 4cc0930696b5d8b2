FROM python:3.11-slim-bookworm

# Optional: reading text on the screen (Tesseract) and comparing sound (chromaprint). All other
# dependencies are Python packages.
RUN apt-get update \
    && apt-get install -y --no-install-recommends tesseract-ocr tesseract-ocr-rus libchromaprint1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 app \
    && install -d -o app -g app /data

WORKDIR /app
# The CPU build of torch; a worker with a GPU passes --build-arg TORCH_INDEX=.../whl/cu130
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements.txt .
RUN pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" -r requirements.txt
COPY . .

ENV PYTHONUNBUFFERED=1 DATA_DIR=/data STATIC_ROOT=/app/static
# Placeholders, needed only to collect the static files: the image contains no secret.
RUN SECRET_KEY=unused-while-building-unused-while-building-unused PRODUCTION=true \
    ALLOWED_HOSTS=unused DATABASE_URL=postgres://unused REDIS_URL=redis://unused \
    python manage.py collectstatic --noinput

USER app
VOLUME /data
EXPOSE 8000
CMD ["python", "manage.py", "web", "--host", "0.0.0.0", "--port", "8000"]
