# One image with two entry points: `docker run IMAGE worker` (port 8000) and `docker run IMAGE console` (8501).
ARG BASE_IMAGE=python:3.11-slim

# Only the line that pins torch: the layer below is made again when that line changes, not when any other does
FROM ${BASE_IMAGE} AS pin
COPY requirements.txt /
RUN grep '^torch==' /requirements.txt >/torch.txt

FROM ${BASE_IMAGE}
# An index of torch for CPUs leaves out the libraries of NVIDIA's cards; all else comes from the usual one
ARG TORCH_INDEX_URL=
ENV PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

# Headers, test programs and the tests of torch are 190 MB that no model needs
COPY --from=pin /torch.txt /tmp/
RUN if [ -n "$TORCH_INDEX_URL" ]; then \
      python -m pip install --no-cache-dir --no-compile --no-deps --index-url "$TORCH_INDEX_URL" -r /tmp/torch.txt; \
    fi && \
    python -m pip install --no-cache-dir --no-compile -r /tmp/torch.txt && \
    torch="$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/torch" && \
    rm -rf "$torch/test" "$torch/include" && \
    find "$torch/bin" -type f ! -name torch_shm_manager -delete

# Byte code only of what worker and console import: that of all packages is some 300 MB
COPY requirements.txt .docker/warm.py /tmp/
RUN python -m pip install --no-cache-dir --no-compile -r /tmp/requirements.txt && \
    rm -rf "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/pandas/tests" && \
    python /tmp/warm.py

# By hand, because not every base image has useradd. /data is where a volume goes: history, checkpoints, hub cache.
RUN echo 'loadonce:x:10001:' >>/etc/group && \
    echo 'loadonce:x:10001:10001:Loadonce:/home/loadonce:/bin/sh' >>/etc/passwd && \
    mkdir -p /home/loadonce /data && \
    chown 10001:10001 /home/loadonce /data
ENV HOME=/home/loadonce LOADONCE_HOME=/data HF_HOME=/data/huggingface

WORKDIR /app
COPY .docker/entry.py .docker/health.py /usr/local/lib/loadonce/
COPY .streamlit .streamlit
COPY loader loader
COPY dashboard dashboard
RUN python -m compileall -q loader dashboard

LABEL org.opencontainers.image.title="Loadonce" \
      org.opencontainers.image.description="Proves that a model service loads its big model exactly once" \
      org.opencontainers.image.licenses="MIT"
USER 10001:10001
EXPOSE 8000 8501
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=3 \
    CMD ["python", "-I", "/usr/local/lib/loadonce/health.py"]
ENTRYPOINT ["python", "/usr/local/lib/loadonce/entry.py"]
CMD ["console"]
