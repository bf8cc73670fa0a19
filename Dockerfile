# TORCH_INDEX is the package index torch comes from. Empty means PyPI, whose Linux builds carry CUDA and are
# several times larger; whyloss computes on the CPU, so PyTorch's own index of CPU builds is enough:
#   docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu -t whyloss .

FROM python:3.11-slim AS build
ARG TORCH_INDEX=
WORKDIR /src
RUN python -m venv /opt/whyloss
ENV PATH=/opt/whyloss/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY pyproject.toml requirements.lock ./
RUN torch=$(sed -n 's/.*"\(torch==[^"]*\)".*/\1/p' pyproject.toml) \
    && pip install "$torch" ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} \
    && pip install --require-hashes --no-deps -r requirements.lock
COPY README.md LICENSE ./
COPY bot bot
COPY explainers explainers
RUN pip install --no-deps --no-build-isolation . && pip check

FROM python:3.11-slim
RUN useradd --system --no-create-home --shell /usr/sbin/nologin whyloss \
    && install -d -o whyloss -g whyloss /run/whyloss
COPY --from=build /opt/whyloss /opt/whyloss
# Runs with a read-only root file system: bytecode is compiled above, and only /run/whyloss (the socket) is written.
ENV PATH=/opt/whyloss/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER whyloss
ENTRYPOINT ["whyloss"]
CMD ["evaluator"]
